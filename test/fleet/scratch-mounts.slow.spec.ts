import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { unmountBelow, unmountLeft } from './scratch-mounts.mjs';

const canMount = process.getuid?.() === 0;
const folders: string[] = [];
const owners: ChildProcess[] = [];

afterEach(() => {
  for (const owner of owners.splice(0)) owner.kill('SIGKILL');
  for (const folder of folders.splice(0)) {
    unmountBelow(folder);
    rmSync(folder, { recursive: true });
  }
});

const isMounted = (path: string): boolean => readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} tmpfs `);

/** By a process that lives on until it is killed. */
async function mountedByAnother(): Promise<{ readonly path: string; readonly owner: ChildProcess }> {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-mounts-'));
  folders.push(folder);
  const path = join(folder, 'small');
  const program = `
    import { mkdirSync } from 'node:fs';
    import { mountScratch } from ${JSON.stringify(pathToFileURL(join(__dirname, 'scratch-mounts.mjs')).href)};
    mkdirSync(${JSON.stringify(path)});
    mountScratch(${JSON.stringify(path)}, 1);
    console.log('mounted');
    setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  owners.push(owner);
  await once(owner.stdout, 'data');
  return { path, owner };
}

// Only root may mount.
(canMount ? test : test.skip)(
  'what a process mounted that was killed is unmounted by the next one, and what another uses is left',
  async () => {
    const [dead, alive] = [await mountedByAnother(), await mountedByAnother()];
    expect([isMounted(dead.path), isMounted(alive.path)]).toEqual([true, true]);
    dead.owner.kill('SIGKILL');
    await once(dead.owner, 'exit');
    unmountLeft();
    expect([isMounted(dead.path), isMounted(alive.path)]).toEqual([false, true]);
  },
);
