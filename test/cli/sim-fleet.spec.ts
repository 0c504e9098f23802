import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInProcess } from './in-process';

// Fleets need no server: everything here runs in the simulator, on traces of the test's own.

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'argosy-fleet-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function fleet(...args: string[]) {
  return runInProcess(['sim', 'fleet', ...args], { folder });
}

function row(name: string): string {
  return [name, ...Array.from({ length: 24 }, (_, step) => 10 + (step % 5))].join(',');
}

test('a made-up fleet runs under several policies, a column for each', async () => {
  const names = ['none', 'balance', 'threshold', 'regression', 'argosy'];
  const { status, out } = await fleet('--hosts', '20', '--guests', '100', '--policy', names.join(','));
  expect(status).toBe(0);
  expect(out).toMatch(/^A made-up fleet of seed 1\n20 hosts, 100 guests, 1 day, memory enforced\n/);
  expect(out).toMatch(/^ +none +balance +threshold +regression +argosy$/m);
  for (const name of [
    'energy \\(kWh\\)',
    'migrations',
    'returns',
    'SLAV \\(%\\)',
    'failed placements',
    'stranded \\(%\\)',
  ])
    expect(out).toMatch(new RegExp(`^${name}( +[\\d,.]+){5}$`, 'm'));
});

test('the same seed gives the same fleet, and another one another', async () => {
  const energies = await Promise.all(
    ['1', '1', '2'].map(async (seed) => {
      const { out } = await fleet('--hosts', '10', '--seed', seed, '--policy', 'argosy', '-o', 'json');
      const { results } = JSON.parse(out) as { results: { energyKWh: number; samples: unknown[] }[] };
      expect(results[0]!.samples).toHaveLength(287);
      return results[0]!.energyKWh;
    }),
  );
  expect(energies[0]).toBe(energies[1]);
  expect(energies[0]).not.toBe(energies[2]);
});

test('the page has everything in it: it asks for nothing from anywhere', async () => {
  writeFileSync(join(folder, 'a<b.csv'), [row('one'), row('two')].join('\n'));
  const { out } = await fleet('--trace', 'a<b.csv', '--format', 'planetlab', '--hosts', '4', '--output', 'html');
  expect(out).toMatch(/^<!doctype html>/);
  expect(out).not.toMatch(/https?:|src=|href=|url\(|@import|a<b/);
  // On a phone the table alone scrolls sideways.
  expect(out).toMatch(/<div class="figures"[^>]*><table>.*<\/table><\/div>/s);
  expect(out.match(/<svg /g)).toHaveLength(7);
  expect(out.match(/<path [^>]*d="M[\d. L]+" stroke="#/g)).toHaveLength(14);
});

test('Ctrl-C stops it between two steps', async () => {
  const interrupted = { folder, typed: [], interruptAtNote: /argosy: step 1\d* of 287/ };
  const { status, out, err } = await runInProcess(
    ['sim', 'fleet', '--hosts', '500', '--policy', 'argosy'],
    interrupted,
  );
  expect([status, out]).toEqual([130, '']);
  expect(err).not.toMatch(/step 28\d/);
});

test('a recorded day of processor use runs for its length', async () => {
  writeFileSync(join(folder, 'day.csv'), [row('one'), row('two'), row('three'), row('four')].join('\n'));
  const { out } = await fleet('--trace', 'day.csv', '--format', 'planetlab');
  expect(out).toMatch(/^day.csv\n800 hosts, 4 guests, 0.08 days, memory not enforced\n/);
});

test('recorded requests and recorded tasks run as well', async () => {
  writeFileSync(join(folder, 'requests.csv'), 'vmid,cpu,mem,at,lt\n0,4,16,0,3600\n1,200,1,400,100\n');
  const requests = await fleet('--trace', 'requests.csv', '--format', 'requests', '--policy', 'none');
  expect(requests.out).toMatch(/^failed placements +1$/m);
  writeFileSync(
    join(folder, 'tasks.csv'),
    'id,submission_time,duration,cpu_count,cpu_capacity,mem_capacity\na,0,1200000,2,5000,1024\n',
  );
  writeFileSync(join(folder, 'fragments.csv'), 'id,duration,cpu_mhz\na,600000,1000\na,600000,2000\n');
  const tasks = await fleet('--trace', '.', '--format', 'bitbrains', '--policy', 'none');
  expect([tasks.status, tasks.err]).toEqual([0, '']);
});

test.each([
  [['--trace', 'broken.csv', '--format', 'planetlab'], 2, 'broken.csv:2: expected 24 percentages, as on the first line, found 2 [invalid-request]'],
  [['--trace', 'nowhere.csv', '--format', 'planetlab'], 5, 'nowhere.csv cannot be read (ENOENT). [no-file]'],
  [['--trace', 'broken.csv'], 2, '--trace needs --format <planetlab|requests|bitbrains>.'],
  [['--format', 'planetlab'], 2, '--format goes with --trace <file>.'],
  [['--hosts', '0'], 2, '--hosts, --guests and --days must be at least 1.'],
  [['--policy', 'none,best'], 2, '--policy must be one of none, balance, threshold, regression, argosy, and is "best".'],
  [['-o', 'yaml'], 2, '--output must be one of table, json, html, and is "yaml".'],
] as const)('%j is refused, and nothing is printed', async (args, status, message) => {
  writeFileSync(join(folder, 'broken.csv'), [row('one'), 'two,1,2'].join('\n'));
  const ran = await fleet(...args);
  expect([ran.status, ran.out, ran.err.split('\n')[0]]).toEqual([status, '', `argosy: ${message}`]);
}); // prettier-ignore
