import type { Guest, Host } from '@argosy/domain/entities';
import { arrivalFault, machineFault, Picture, type Purpose } from './constraints';
import { type FleetPlan, inventoryOf, type RulePlan } from './inventory-plan';
import { ModelStore } from './model-store';
import { VirtualClock } from './clock';

/** a and b run on h1, c on h2, d nowhere; h1 and h2 are one rack, and h3 is far. */
function rowsOf(changes: Partial<FleetPlan> = {}): ModelStore['rows'] {
  const store = new ModelStore(new VirtualClock());
  const plan: FleetPlan = {
    hosts: [
      { name: 'h1', memoryMiB: 1024, failureDomain: 'rack' },
      { name: 'h2', memoryMiB: 1024, failureDomain: 'rack' },
      { name: 'h3', memoryMiB: 1024 },
    ],
    guests: [
      { name: 'a', memoryMiB: 256, on: 'h1' },
      { name: 'b', memoryMiB: 256, on: 'h1', cpuReservationMillicores: 1500 },
      { name: 'c', memoryMiB: 256, on: 'h2' },
      { name: 'd', memoryMiB: 512 },
    ],
    ...changes,
  };
  store.seed(inventoryOf(plan), []);
  return store.rows;
}

interface Wish {
  readonly rows?: ModelStore['rows'];
  readonly guest?: Partial<Guest>;
  readonly host?: Partial<Host>;
  readonly purpose?: Purpose;
}

function whyNot(guestName: string, hostName: string, { rows = rowsOf(), guest, host, purpose }: Wish = {}): string {
  const target = { ...rows.host.get(hostName)!, ...host };
  rows.host.set(target.id, target);
  const row = { ...rows.guest.get(guestName)!, ...guest };
  return new Picture(rows).whyNot(row, target, purpose ?? 'start') ?? 'it may';
}

const ruled = (kind: RulePlan['kind'], guests: string[], hosts: string[] = []): Wish => ({
  rows: rowsOf({ rules: [{ name: 'r', kind, guests, hosts }] }),
});

test.each<[string, string, string, Wish, RegExp]>([
  ['room is whole', 'd', 'h1', {}, /^it may$/],
  ['memory', 'd', 'h1', { guest: { memoryMiB: 513 } }, /memory/],
  ['reservations', 'd', 'h1', { guest: { cpuReservationMillicores: 501 } }, /reservation/],
  ['processors', 'd', 'h1', { rows: rowsOf({ settings: { balance: { vcpuRatio: 1 } } }) }, /ratio/],
  ['maintenance', 'd', 'h1', { host: { maintenance: 'entering' } }, /maintenance/],
  ['standby', 'd', 'h1', { host: { standby: 'entering' } }, /standby/],
  ['an ailing host', 'd', 'h1', { host: { degraded: { by: 'health-check', reason: '' } } }, /degraded/],
  ['quarantine', 'd', 'h1', { host: { quarantined: true } }, /quarantine/],
  ['a silent host', 'd', 'h1', { host: { state: 'suspect' } }, /suspect/],
  ['another pool', 'd', 'h1', { host: { poolId: 'other' } }, /another pool/],
  ['a host kept for failover', 'd', 'h1', { host: { failoverOnly: true } }, /kept for failover/],
  ['that host, after a loss', 'd', 'h1', { host: { failoverOnly: true }, purpose: 'restart' }, /^it may$/],
  ['a datastore of another host', 'd', 'h1', { guest: { datastoreId: 'near' }, rows: withNear() }, /does not reach/],
  ['its own datastore', 'd', 'h2', { guest: { datastoreId: 'near' }, rows: withNear() }, /^it may$/],
  ['apart', 'd', 'h2', ruled('apart', ['c', 'd']), /rule r/],
  ['apart elsewhere', 'd', 'h3', ruled('apart', ['c', 'd']), /^it may$/],
  ['must', 'd', 'h1', ruled('must-run-on', ['d'], ['h2']), /rule r/],
  ['must not', 'd', 'h1', ruled('must-not-run-on', ['d'], ['h1']), /rule r/],
  ['a wish', 'd', 'h1', ruled('should-not-run-on', ['d'], ['h1']), /^it may$/],
  ['spread', 'd', 'h2', ruled('spread', ['a', 'd']), /rule r/],
  ['spread to another domain', 'd', 'h3', ruled('spread', ['a', 'd']), /^it may$/],
  ['together', 'd', 'h1', ruled('together', ['c', 'd']), /rule r/],
  ['together with it', 'd', 'h2', ruled('together', ['c', 'd']), /^it may$/],
  ['away from it', 'a', 'h3', { ...ruled('together', ['a', 'b']), purpose: 'move' }, /rule r/],
])('%s', (_what, guest, host, wish, answer) => {
  expect(whyNot(guest, host, wish)).toMatch(answer);
});

function withNear(): ModelStore['rows'] {
  return rowsOf({ datastores: [{ name: 'near', on: 'h2' }] });
}

test('others may make way for a guest that lost its host, and to a host that is kept for failover', () => {
  const rows = rowsOf();
  const wish: Wish = { rows, host: { failoverOnly: true }, purpose: 'move' };
  expect(whyNot('a', 'h3', wish)).toMatch(/kept for failover/);
  rows.guest.set('d', { ...rows.guest.get('d')!, state: 'recovering' });
  expect(whyNot('a', 'h3', wish)).toBe('it may');
});

test('a guest on its way takes room, and keeps others apart, at both ends', () => {
  const { rows } = ruled('apart', ['a', 'd']) as { rows: ModelStore['rows'] };
  const move = { guestId: 'a', sourceHostId: 'h1', targetHostId: 'h3', step: 'copy' };
  rows.migration.set('m', move as never);
  expect(whyNot('d', 'h1', { rows })).toMatch(/rule r/);
  expect(whyNot('d', 'h3', { rows })).toMatch(/rule r/);
  rows.rule.clear();
  expect(whyNot('d', 'h3', { rows, guest: { memoryMiB: 1000 } })).toMatch(/memory/);
});

test('one that was stopped behind its move is nowhere, whatever of the move is still to be cleared away', () => {
  const rows = ruled('apart', ['a', 'd']).rows!;
  rows.migration.set('m', { guestId: 'a', sourceHostId: 'h1', targetHostId: 'h3', step: 'release' } as never);
  rows.guest.set('a', { ...rows.guest.get('a')!, hostId: null });
  expect(whyNot('d', 'h3', { rows })).toBe('it may');
});

test('one that has not left a failure domain yet still counts there', () => {
  const rows = ruled('spread', ['a', 'd']).rows!;
  const move = { guestId: 'a', sourceHostId: 'h1', targetHostId: 'h3', step: 'copy' };
  rows.migration.set('m', move as never);
  expect(whyNot('d', 'h2', { rows })).toMatch(/rule r/);
});

test('a memory goes on where the machine is the same, and nowhere else', () => {
  const [h1, h2] = ['h1', 'h2'].map((name) => ({ name, memoryMiB: 1024, cpuModel: name }));
  const rows = rowsOf({ hosts: [h1!, h2!], guests: [{ name: 'a', memoryMiB: 64, on: 'h1' }] });
  const memory = { memoryPath: '/m', memoryMachine: rows.host.get('h1')!.capabilities };
  expect(whyNot('a', 'h2', { rows, purpose: 'move' })).toMatch(/another machine/);
  expect(whyNot('a', 'h2', { rows, guest: memory })).toMatch(/another machine/);
  expect(whyNot('a', 'h2', { rows })).toBe('it may');
  expect(machineFault(rows, 'h1', 'h2')).toMatch(/cpuModel was h1 on h1/);
  expect(machineFault(rows, 'h1', 'h1')).toBe(null);
});

test('where a guest has arrived, the machines are asked', () => {
  const rows = ruled('apart', ['a', 'c']).rows!;
  expect(arrivalFault(rows, 'c', 'h1', ['a', 'b', 'c'])).toMatch(/rule r/);
  expect(arrivalFault(rows, 'c', 'h2', ['c'])).toBe(null);
  rows.guest.set('c', { ...rows.guest.get('c')!, cpuReservationMillicores: 600 });
  rows.rule.clear();
  expect(arrivalFault(rows, 'c', 'h1', ['a', 'b', 'c'])).toMatch(/promises 2100 millicores/);
});
