import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from './run-program';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'argosy-program-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function program(text: string): string {
  const path = join(folder, 'program');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

const pidIn = (name: string): number => Number(readFileSync(join(folder, name), 'utf8'));
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/cwd`);

test('a program is told its input, and tells its status and the end of what it printed', async () => {
  const path = program('read line; head -c 5000 /dev/zero | tr "\\0" x; echo "heard $line" >&2; exit 3');
  const end = await runProgram(path, { input: 'this\n', deadlineMs: 5_000 });
  expect(end).toMatchObject({ how: 'ended', status: 3, signal: null });
  expect(end.output).toMatch(/^x+heard this\n$/);
  expect(end.output).toHaveLength(2_000);
});

test('one that leaves a daemon holding its output has ended when it has, and its deadline ends nobody', async () => {
  const path = program(`sleep 30 & echo $! > ${folder}/daemon; echo done`);
  const begunAt = performance.now();
  expect(await runProgram(path, { deadlineMs: 600 })).toMatchObject({ how: 'ended', status: 0, output: 'done\n' });
  expect(performance.now() - begunAt).toBeLessThan(500);
  await sleep(700);
  expect(isAlive(pidIn('daemon'))).toBe(true);
  process.kill(pidIn('daemon'), 'SIGKILL');
});

test('one that does not end is ended at its deadline, with all that it started', async () => {
  const path = program(`sleep 30 & echo $! > ${folder}/child; echo waiting; wait`);
  const begunAt = performance.now();
  expect(await runProgram(path, { deadlineMs: 400 })).toEqual({ how: 'late', output: 'waiting\n' });
  expect(performance.now() - begunAt).toBeLessThan(1_500);
  await sleep(50);
  expect(isAlive(pidIn('child'))).toBe(false);
});

test('what started a session of its own, and holds the output, delays nothing either', async () => {
  const path = program(`setsid sh -c 'echo $$ > ${folder}/away; exec sleep 30' & sleep 30`);
  const begunAt = performance.now();
  expect(await runProgram(path, { deadlineMs: 400 })).toMatchObject({ how: 'late' });
  expect(performance.now() - begunAt).toBeLessThan(1_500);
  process.kill(pidIn('away'), 'SIGKILL');
});

test('one that closes its output early, or its input unread, has not ended by that', async () => {
  const path = program('exec <&- >&- 2>&-; sleep 0.3; exit 4');
  expect(await runProgram(path, { input: 'x'.repeat(200_000), deadlineMs: 5_000 })).toMatchObject({ status: 4 });
});

test('what is there no program is told as that, whatever the reason', async () => {
  const text = join(folder, 'text');
  writeFileSync(text, 'no program');
  for (const path of [join(folder, 'absent'), text, `${folder}/a\0b`, ''])
    expect(await runProgram(path, { deadlineMs: 5_000 })).toMatchObject({ how: 'not-started' });
});

test('of its environment it has what it was given', async () => {
  const path = program('echo "$PATH:$SECRET"');
  const end = await runProgram(path, { environment: { PATH: '/bin', SECRET: undefined }, deadlineMs: 5_000 });
  expect(end.output).toBe('/bin:\n');
});
