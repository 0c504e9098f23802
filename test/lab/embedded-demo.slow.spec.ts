// The demo where no QEMU is installed.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../apps/lab/servers.mjs';
import { ensureBuilt, root } from '../fleet/build';

let folder: string;
beforeAll(async () => {
  await ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'argosy-demo-'));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All that is on the path, but QEMU's programs. */
function pathWithoutQemu(): string {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  for (const place of (process.env['PATH'] ?? '').split(delimiter).filter((each) => existsSync(each)))
    for (const name of readdirSync(place).filter((each) => !each.startsWith('qemu-')))
      if (!existsSync(join(programs, name))) symlinkSync(join(place, name), join(programs, name));
  return programs;
}

test('on embedded guests it moves some of them live, loses a host, and ends with every objective met', async () => {
  const options = ['--vmm', 'embedded', '--exit', '--folder', join(folder, 'lab')];
  const { REDIS_URL: _redis, DATABASE_URL: _database, ...environment } = process.env;
  const child = spawn(
    process.execPath,
    [join(root, 'apps/lab/start.mjs'), ...options, '--port', String(await freePort())],
    { cwd: root, env: { ...environment, PATH: pathWithoutQemu() }, stdio: 'pipe' },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  expect(output).toMatch(/Argosy moved [1-9]\d* guests? live/);
  expect(output).toMatch(/work done by the loaded guests: .* times as much: met/);
  expect(output).toMatch(/alive +5000 ms .* met/);
  expect(status).toBe(0);
}, 300_000);
