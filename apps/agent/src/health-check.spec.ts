import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkHealth } from './health-check';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'argosy-health-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function program(text: string): string {
  const path = join(folder, 'check');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a check that ends with 0 finds the host well, whatever it prints', async () => {
  expect(await checkHealth(program('echo all is well'))).toBeNull();
});

test('one that ends otherwise says why with its last line', async () => {
  expect(await checkHealth(program('echo looking; echo sda: 40 sectors pending >&2; exit 3'))).toBe(
    'sda: 40 sectors pending',
  );
  expect(await checkHealth(program('exit 3'))).toMatch(/ended with status 3/);
});

test('a check that hangs is a verdict too, also when what hangs is a child of it', async () => {
  expect(await checkHealth(program('echo reading sda; sleep 30'), 300)).toBe(
    'the health check did not end within 0.3 s; it said last: reading sda',
  );
});

test('what a check leaves behind, holding its output, keeps no verdict back', async () => {
  const begunAt = performance.now();
  expect(await checkHealth(program('sleep 3 & exit 0'), 2_000)).toBeNull();
  expect(performance.now() - begunAt).toBeLessThan(1_500);
});

test('a check that is not there is no sign of health', async () => {
  expect(await checkHealth(join(folder, 'absent'))).toMatch(/cannot be run/);
});
