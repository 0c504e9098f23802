// The demo as a user starts it: real servers, controller, agents and guests.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../apps/lab/servers.mjs';
import { ensureBuilt, root } from '../fleet/build';

jest.setTimeout(240_000);

let folder: string;
beforeAll(async () => {
  await ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'argosy-demo-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function demo(...options: string[]): Promise<{ status: number | null; output: string }> {
  const args = [join(root, 'apps/lab/start.mjs'), '--exit', '--folder', folder, '--port', String(await freePort())];
  const { REDIS_URL: _redis, DATABASE_URL: _database, ...environment } = process.env;
  const child = spawn(process.execPath, [...args, ...options], { cwd: root, env: environment, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, output };
}

test('with automation set to manual no guest of the demo moves; its lost host is failed over all the same', async () => {
  const { status, output } = await demo('--automation', 'manual', '--hosts', '2', '--guests', '4');
  expect(output).toContain('automation is manual: the 4 starts that Argosy recommends are applied');
  expect(output).toMatch(/Argosy moved 0 guests live\n +automation is manual: [1-9]\d* moves are recommended/);
  // The rebalance is what was shown, and it did not happen.
  expect(output).toContain('NOT every phase met its objective');
  expect(output).toMatch(/alive +5000 ms .* met/);
  expect(status).toBe(1);
});
