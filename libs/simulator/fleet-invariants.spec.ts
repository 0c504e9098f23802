import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import type { Guest, Host, Migration } from '@argosy/domain/entities';
import { VirtualClock } from './clock';
import { FleetInvariants } from './fleet-invariants';
import { inventoryOf } from './inventory-plan';
import { ModelSite } from './model-machine';
import { ModelStore } from './model-store';

/** a runs on h1 and b is off, with room for both on either host. */
function aFleet({ memoryMiB = 1024 } = {}) {
  const clock = new VirtualClock();
  const store = new ModelStore(clock);
  const hosts = ['h1', 'h2'].map((name) => ({ name, memoryMiB }));
  const guests = [
    { name: 'a', memoryMiB: 512, on: 'h1' },
    { name: 'b', memoryMiB: 512 },
  ];
  store.seed(inventoryOf({ hosts, guests }), []);
  const means = {
    leader: () => 'one',
    isAtWork: () => true,
    isSilent: () => false,
    isProvedOff: () => false,
    tracesOf: () => ({ journal: new Map(), lastRun: null }),
  };
  const failures: string[] = [];
  const invariants = new FleetInvariants(new ModelSite(clock), store, means, (message) => failures.push(message));
  let moves = 0;
  const put = (row: Partial<Migration>): Migration => {
    const whole = { guestId: 'a', targetDatastoreId: null, requestedBy: 'argosy', ...row } as Migration;
    store.rows.migration.set(whole.id, whole);
    invariants.sawWrite({ kind: 'put', entity: 'migration', row: whole });
    return whole;
  };
  /** Begun and ended, and the guest is where that leaves it. */
  const move = (sourceHostId: string, targetHostId: string, end: Migration['step'] = 'done'): void => {
    const begun = put({ id: `m${moves++}`, sourceHostId, targetHostId, step: 'open-target' });
    put({ ...begun, step: end });
    const hostId = end === 'done' ? targetHostId : sourceHostId;
    store.rows.guest.set('a', { ...store.rows.guest.get('a')!, hostId });
  };
  const setHost = (name: string, changes: Partial<Host>): void =>
    void store.rows.host.set(name, { ...store.rows.host.get(name)!, ...changes });
  const pass = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      clock.runUntil(clock.now + 1000);
      invariants.pass(true);
    }
  };
  const see = (write: FleetWrite): void => invariants.sawWrite(write);
  return { store, failures, move, setHost, pass, see };
}

test('a move that is undone within its cool-down is a fault', () => {
  const { move, failures } = aFleet();
  move('h1', 'h2');
  move('h2', 'h1');
  expect(failures).toEqual([expect.stringContaining('a is moved back')]);
});

test('it is none after a move that came to nothing, nor from a host that has to be emptied', () => {
  const failed = aFleet();
  failed.move('h1', 'h2', 'failed');
  failed.store.rows.guest.set('a', { ...failed.store.rows.guest.get('a')!, hostId: 'h2' });
  failed.move('h2', 'h1');
  expect(failed.failures).toEqual([]);

  const emptied = aFleet();
  emptied.move('h1', 'h2');
  emptied.setHost('h2', { standby: 'entering' });
  emptied.move('h2', 'h1');
  expect(emptied.failures).toEqual([]);
});

test('a start under a lock is judged when it is sent, and not again when it is put on record', () => {
  const { store, failures, setHost, see } = aFleet();
  const lost = { ...store.rows.guest.get('a')!, state: 'recovering' as const, hostId: null };
  const tried = { code: 'take-over-tried', subjectId: 'a', details: { hostId: 'h2', epoch: 5 } };
  const put = (row: Guest): void => see({ kind: 'put', entity: 'guest', row });
  see({ kind: 'record', record: tried as never });
  setHost('h2', { state: 'suspect' });
  put(lost);
  put({ ...lost, state: 'starting', hostId: 'h2', epoch: 5 });
  expect(failures).toEqual([]);
  put(lost);
  put({ ...lost, state: 'starting', hostId: 'h2', epoch: 6 });
  expect(failures).toEqual([expect.stringContaining('h2, which is suspect')]);
  see({ kind: 'record', record: tried as never });
  expect(failures).toHaveLength(2);
});

test('a task that goes on for two minutes is a fault, unless its guest has no room', () => {
  for (const [memoryMiB, isFault] of [
    [1024, true],
    [500, false],
  ] as const) {
    const { store, pass, failures } = aFleet({ memoryMiB });
    store.rows.guest.set('b', { ...store.rows.guest.get('b')!, desired: 'running' });
    store.rows.task.set('t', { id: 't', name: 'guest.restart', subjectId: 'b', state: 'running' } as never);
    pass(130);
    expect(failures.some((message) => message.includes('task guest.restart of b'))).toBe(isFault);
  }
});
