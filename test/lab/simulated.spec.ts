// Simulated hosts with a real controller, Redis and PostgreSQL, as `argosy lab up --simulated-hosts` makes them.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createApi, type Api } from '../../apps/lab/api.mjs';
import { waitUntil } from '../../apps/lab/processes.mjs';
import { freePort } from '../../apps/lab/servers.mjs';
import { ensureBuilt, root } from '../fleet/build';

jest.setTimeout(120_000);

const run = promisify(execFile);
let folder: string;
let api: Api;

function argosy(...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { REDIS_URL: _redis, DATABASE_URL: _database, ARGOSY_URL: _url, ...environment } = process.env;
  return run(process.execPath, [join(root, 'bin/argosy.mjs'), ...args], {
    env: { ...environment, ARGOSY_LAB_FOLDER: folder },
  });
}

beforeAll(async () => {
  await ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'argosy-simulated-'));
  const port = await freePort();
  const { stdout } = await argosy(
    ...['lab', 'up', '--detach', '--simulated-hosts', '8', '--guests', '80', '--failure-domains', '4'],
    ...['--port', String(port)],
  );
  expect(stdout).toContain(`Argosy runs 8 simulated hosts at http://127.0.0.1:${port}`);
  const token = readFileSync(join(folder, 'controller/token'), 'utf8').trim();
  api = createApi({ url: `http://127.0.0.1:${port}`, token });
});
afterAll(async () => {
  await argosy('lab', 'down');
  expect(existsSync(join(folder, 'launcher.json'))).toBe(false);
  expect(existsSync(join(folder, 'simulated/process.json'))).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});

const running = async (): Promise<number> => (await api.guests()).filter(({ state }) => state === 'running').length;

test('a failure domain that loses its power is fenced host by host, its guests run elsewhere, and it comes back', async () => {
  expect(await waitUntil(async () => (await running()) === 80, { deadlineMs: 20_000, intervalMs: 100 })).toBe(true);
  const { stdout } = await argosy('lab', 'power', 'off', '--failure-domain', 'domain-1', '--yes');
  expect(stdout).toContain('2 hosts of domain-1 are off.');
  const isRecovered = async (): Promise<boolean> => {
    const lost = (await api.hosts()).filter(({ state }) => state === 'fenced');
    const there = new Set(lost.map(({ id }) => id));
    const guests = await api.guests();
    return lost.length === 2 && guests.every(({ state, hostId }) => state === 'running' && !there.has(hostId ?? ''));
  };
  expect(await waitUntil(isRecovered, { deadlineMs: 20_000, intervalMs: 100 })).toBe(true);
  // Their neighbours, which the same process stands for, were never suspected.
  const suspected = (await api.request('GET', '/events?code=host-suspect&limit=100')) as { items: unknown[] };
  expect(suspected.items).toHaveLength(2);
  await argosy('lab', 'power', 'on', '--failure-domain', 'domain-1');
  const isBack = async (): Promise<boolean> => (await api.hosts()).every(({ state }) => state === 'online');
  expect(await waitUntil(isBack, { deadlineMs: 20_000, intervalMs: 100 })).toBe(true);
});

test('a drill on one of them is predicted, measured and met; a guest moves from one to another', async () => {
  const { stdout } = await argosy('drill', 'run', 'host-loss', '--host', 'sim-0003');
  expect(stdout).toContain('Verdict: objectives met');
  const { stdout: moved } = await argosy('guest', 'migrate', 'vm-00001', '--wait');
  expect(moved).toMatch(/vm-00001/);
  const { stdout: tail } = await argosy('guest', 'console', 'vm-00001', '--write', 'stats', '--for', '500ms');
  expect(tail).toContain('boot=');
});
