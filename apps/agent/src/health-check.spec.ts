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

test('a check that is not there is no sign of health', async () => {
  expect(await checkHealth(join(folder, 'absent'))).toMatch(/cannot be run/);
});
