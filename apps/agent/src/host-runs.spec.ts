import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostRun } from '@argosy/domain/host-report';
import { HostRuns } from './host-runs';

let folder: string;
let programs: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-run-'));
  programs = join(folder, 'programs');
  mkdirSync(programs);
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, text: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(programs, name), 0o755);
}

const open = (programsFolder: string | null = programs): HostRuns =>
  new HostRuns({ stateFolder: join(folder, 'state'), programsFolder });

async function ended(runs: HostRuns): Promise<HostRun> {
  for (;;) {
    const run = runs.latest();
    if (run !== null && run.status !== null) return run;
    await sleep(10);
  }
}

test('a run ends with the status and the output of its program, which is given its arguments', async () => {
  program('upgrade', 'echo "$2"; exit 3');
  const runs = open();
  runs.begin('r1', 'upgrade --to 7.2');
  expect(await ended(runs)).toEqual({ runId: 'r1', status: 3, output: '7.2\n' });
});

test('a run is begun once, however often it is asked for, and outlives the agent that began it', async () => {
  program('count', 'echo x >>"$1"; sleep 0.2');
  const [file, runs] = [join(folder, 'counted'), open()];
  runs.begin('r1', `count ${file}`);
  runs.begin('r1', `count ${file}`);
  const next = open();
  expect(next.latest()).toMatchObject({ runId: 'r1', status: null });
  next.begin('r1', `count ${file}`);
  expect(await ended(next)).toMatchObject({ status: 0 });
  next.begin('r1', `count ${file}`);
  expect((await import('node:fs')).readFileSync(file, 'utf8')).toBe('x\n');
});

test('of what a program prints without end the end is kept, and the file stays small', async () => {
  program('talk', 'i=0; while [ ! -e stop ]; do i=$((i+1)); head -c 200000 /dev/zero | tr "\\0" x; echo " $i"; done');
  const runs = open();
  runs.begin('r1', 'talk');
  const path = join(folder, 'state', 'run', 'output');
  for (let cuts = 0, before = 0; cuts < 3;) {
    const told = runs.latest()?.output ?? '';
    expect(told.length).toBeLessThanOrEqual(2_000);
    const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
    if (size < before) cuts += 1;
    before = size;
    await sleep(5);
  }
  writeFileSync(join(folder, 'state', 'run', 'stop'), '');
  const { output } = await ended(runs);
  expect(output).toMatch(/x \d+\n$/);
  runs.latest();
  expect(statSync(path).size).toBeLessThan(2 * 1024 * 1024);
});

test.each([
  ['a program of another folder', '../programs/upgrade'],
  ['a path', '/bin/sh'],
  ['a program that is not there', 'absent'],
])('%s is not run, and the output says why', async (_, command) => {
  program('upgrade', `touch ${join(folder, 'touched')}`);
  const runs = open();
  runs.begin('r1', command);
  expect(await ended(runs)).toMatchObject({ status: 127, output: expect.stringMatching(/program/) as string });
  expect(existsSync(join(folder, 'touched'))).toBe(false);
});

test('a host whose administrator names no folder runs nothing', async () => {
  program('upgrade', 'true');
  const runs = open(null);
  runs.begin('r1', 'upgrade');
  expect(await ended(runs)).toMatchObject({
    status: 127,
    output: expect.stringContaining('ARGOSY_ROLL_PROGRAMS') as string,
  });
});

test('what a restart of the host cut short has done what it was for; without a restart, it is lost', async () => {
  program('forever', 'sleep 60');
  const runs = open();
  runs.begin('r1', 'forever');
  const file = join(folder, 'state/run/begun.json');
  const begun = JSON.parse((await import('node:fs')).readFileSync(file, 'utf8')) as { pid: number };
  writeFileSync(file, JSON.stringify({ ...begun, bootId: 'of-yesterday' }));
  expect(runs.latest()).toMatchObject({ status: 0, output: expect.stringContaining('restarted') as string });
  writeFileSync(file, JSON.stringify(begun));
  expect(runs.latest()).toMatchObject({ status: null });
  process.kill(-begun.pid, 'SIGKILL');
  expect(await ended(runs)).toMatchObject({ status: -1 });
});
