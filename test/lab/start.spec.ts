// The launcher itself, with real servers and chassis and with stand-ins for controller and agent.
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine, processLink } from '../../apps/lab/processes.mjs';
import { freePort } from '../../apps/lab/servers.mjs';

jest.setTimeout(120_000);

const repository = join(__dirname, '../..');
let root: string;
let port: number;

/** A repository with the launcher in it, "built" already. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'argosy-start-'));
  cpSync(join(repository, 'apps/lab'), join(root, 'apps/lab'), { recursive: true });
  for (const app of ['controller', 'agent']) mkdirSync(join(root, 'dist/apps', app, 'src'), { recursive: true });
  cpSync(join(__dirname, 'stand-in-controller.cjs'), join(root, 'dist/apps/controller/src/main.js'));
  writeFileSync(join(root, 'dist/apps/agent/src/main.js'), 'setInterval(() => {}, 1000);');
  for (const guest of ['tiny', 'machine']) {
    mkdirSync(join(root, 'guests', guest), { recursive: true });
    writeFileSync(join(root, 'guests', guest, `${guest}.elf`), '');
  }
  mkdirSync(join(root, 'node_modules'));
  for (const file of ['package-lock.json', 'node_modules/.package-lock.json'])
    writeFileSync(join(root, file), '{"packages":{}}');
  writeFileSync(join(root, 'package.json'), '{"scripts":{"build":"true"}}');
});
beforeEach(async () => {
  port = await freePort();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function start(...options: string[]): Run {
  const args = [join(root, 'apps/lab/start.mjs'), '--port', String(port), ...options];
  const { REDIS_URL: _redis, DATABASE_URL: _database, ...environment } = process.env;
  const child = spawn(process.execPath, args, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, output: () => output, ended };
}

async function seen(run: Run, pattern: RegExp): Promise<void> {
  const end = performance.now() + 60_000;
  while (!pattern.test(run.output())) {
    if (performance.now() > end || run.child.exitCode !== null)
      throw new Error(`no ${String(pattern)} in:\n${run.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Everything whose command line or working folder names this root: what a start must not leave behind. */
const left = (): string[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => `${commandLine(Number(pid))} in ${processLink(Number(pid), 'cwd') ?? ''}`)
    .filter((line) => line.includes(root));

function killController(): void {
  const { pid } = JSON.parse(readFileSync(join(root, '.argosy/controller/process.json'), 'utf8')) as { pid: number };
  expect(pid).toBeGreaterThan(1);
  process.kill(pid, 'SIGKILL');
}

test('--exit reports and ends with status 0 when every objective was met, and leaves nothing running', async () => {
  const run = start('--exit');
  const status = await run.ended;
  expect({ status, output: run.output() }).toEqual({
    status: 0,
    output: expect.stringContaining('Every phase met its objective'),
  });
  for (const text of ['h1 → h2', 'detect', '3000 ms', 'stopping guests', 'stopping Redis'])
    expect(run.output()).toContain(text);
  expect(left()).toEqual([]);
});

test('the next start finds the same inventory; a missed objective gives status 1', async () => {
  const state = join(root, '.argosy/controller');
  const before = JSON.parse(readFileSync(join(state, 'rows.json'), 'utf8')) as { guests: unknown[] };
  writeFileSync(join(state, 'miss'), '');
  const run = start('--exit', '--guests', '8');
  expect(await run.ended).toBe(1);
  const after = JSON.parse(readFileSync(join(state, 'rows.json'), 'utf8')) as { guests: unknown[] };
  expect(after.guests).toHaveLength(before.guests.length);
  expect(run.output()).toContain('NOT MET');
});

test('guests of one VMM are not started on hosts of another, and nothing is begun', async () => {
  const run = start('--exit', '--vmm', 'embedded');
  expect(await run.ended).toBe(2);
  expect(run.output()).toContain(
    `the guests of the lab in ${join(root, '.argosy')} are of --vmm qemu: go on with it, or begin anew with --fresh`,
  );
  expect(run.output()).not.toContain('Redis and PostgreSQL');
});

test('a lab goes on with the VMM that it was made with', async () => {
  const lab = ['--exit', '--no-demo', '--folder', 'other'];
  expect(await start(...lab, '--vmm', 'embedded').ended).toBe(0);
  const again = start(...lab);
  expect(await again.ended).toBe(0);
  expect(again.output()).toContain('The lab goes on with --vmm embedded');
});

test('a taken port is stepped round; a second start is turned away; a dead controller comes back; Ctrl-C stops all', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
  const run = start('--fresh', '--no-demo');
  await seen(run, /Argosy runs at/);
  expect(run.output()).toContain(`port ${port} is taken`);
  expect(existsSync(join(root, '.argosy/controller/miss'))).toBe(false);

  const second = start();
  expect(await second.ended).toBe(4);
  expect(second.output()).toContain('already runs here');

  killController();
  await seen(run, /starting it again/);

  run.child.kill('SIGINT');
  expect(await run.ended).toBe(0);
  expect(run.output()).toMatch(
    /stopping guests[^]*stopping agents and chassis[^]*stopping controller[^]*stopping Redis/,
  );
  expect(left()).toEqual([]);
  await new Promise((resolve) => taken.close(resolve));
});

test('when nobody reads its output any more it stops in order, and leaves nothing running', async () => {
  const run = start('--no-demo');
  await seen(run, /Argosy runs at/);
  run.child.stdout?.destroy();
  // The next thing it says finds nobody.
  killController();
  await run.ended;
  expect(left()).toEqual([]);
});

test.each([
  [['--hosts', 'many'], '--hosts must be a whole number from 1 to 15'],
  [['--speed'], "Unknown option '--speed'"],
  [['--hosts', '1'], 'the demo needs two hosts'],
])('%j is refused in a sentence with status 2', async (options, sentence) => {
  const run = start(...options);
  expect(await run.ended).toBe(2);
  expect(run.output()).toContain(sentence);
});
