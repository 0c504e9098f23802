import type { Change } from '@argosy/domain/simulation';
import { inventoryOf } from './inventory-plan';
import { whatIf } from './what-if';

const inventory = inventoryOf({
  hosts: [
    { name: 'h1', memoryMiB: 1024, cpuMillicores: 1000 },
    { name: 'h2', memoryMiB: 1024, cpuMillicores: 1000 },
    { name: 'h3', memoryMiB: 1024, cpuMillicores: 1000 },
  ],
  guests: [
    { name: 'web', memoryMiB: 400, on: 'h1' },
    { name: 'db', memoryMiB: 400, on: 'h1' },
    { name: 'api', memoryMiB: 400, on: 'h2' },
    { name: 'big', memoryMiB: 900, on: 'h3' },
  ],
  settings: { balance: { automation: 'full', threshold: 3, intervalMs: 5_000, coolDownMs: 10_000 } },
});
// h1 has more than it can do, and no other host has room.
const demand = new Map(['web', 'db', 'api'].map((id) => [id, { cpuMillicores: 750, dirtyBytesPerSecond: 0 }]));

function outcome(changes: readonly Change[], loads: typeof demand = new Map()) {
  const answer = whatIf({ facts: inventory, demand: loads, notes: [] }, { changes, forMs: 60_000 });
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.value;
}

test('without a change nothing becomes of anybody', () => {
  const { guests, before, after } = outcome([]);
  expect(guests).toEqual([]);
  expect(after).toEqual(before);
});

test('a host that is lost: who comes back where and after how long, and who finds no room', () => {
  const { guests, after, alarms } = outcome([{ kind: 'host-lost', host: 'h3' }]);
  expect(guests).toEqual([expect.objectContaining({ guest: 'big', from: 'h3', to: null, fate: 'down' })]);
  expect(after.find(({ host }) => host === 'h3')).toMatchObject({ state: 'fenced', guests: 0 });
  expect(alarms.join(' ')).toMatch(/big/);
  const { guests: ofH1 } = outcome([{ kind: 'host-lost', host: 'h1' }]);
  // There is room for one of its two.
  expect(ofH1.map(({ to, fate }) => `${fate} ${to}`).sort()).toEqual(['down null', 'restarted h2']);
  expect(ofH1.find(({ fate }) => fate === 'restarted')!.outageMs).toBeGreaterThan(1_000);
});

test('maintenance moves guests live, and says why', () => {
  const added = outcome([
    { kind: 'host-added', host: 'h4', cpuMillicores: 2000, memoryMiB: 2048 },
    { kind: 'maintenance', host: 'h2' },
  ]);
  expect(added.guests).toEqual([expect.objectContaining({ guest: 'api', from: 'h2', to: 'h4', fate: 'moved' })]);
  expect(added.guests[0]!.reason).toMatch(/h2/);
});

test('a host that is added takes load off the one that has too much, as the policy has it', () => {
  const more: Change = { kind: 'host-added', host: 'h4', cpuMillicores: 2000, memoryMiB: 2048 };
  expect(outcome([more], demand).guests).toEqual([expect.objectContaining({ from: 'h1', to: 'h4', fate: 'moved' })]);
  const manual: Change = { kind: 'balance', settings: { automation: 'manual' } };
  expect(outcome([manual, more], demand).guests).toEqual([]);
});

test.each([
  [{ kind: 'host-lost', host: 'h9' } as const, 'unknown-host'],
  [{ kind: 'host-added', host: 'h1', cpuMillicores: 1, memoryMiB: 1 } as const, 'name-taken'],
])('%j is refused', (change, code) => {
  expect(whatIf({ facts: inventory, demand, notes: [] }, { changes: [change], forMs: 1_000 })).toMatchObject({
    ok: false,
    refusal: { code },
  });
});
