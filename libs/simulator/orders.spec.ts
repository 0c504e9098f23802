import type { Guest } from '@argosy/domain/entities';
import type { HostOrder } from '@argosy/domain/host-command';
import { VirtualClock } from './clock';
import { inventoryOf } from './inventory-plan';
import { ModelSite } from './model-machine';
import { ModelStore } from './model-store';
import { Orders } from './orders';

/** Guest a is to be started on h1, and its start has been sent with five seconds to go. */
function aStart({ hasLeader = true } = {}) {
  const clock = new VirtualClock();
  const store = new ModelStore(clock);
  store.seed(
    inventoryOf({ hosts: [{ name: 'h1', memoryMiB: 64 }], guests: [{ name: 'a', memoryMiB: 8, on: 'h1' }] }),
    [],
  );
  const means = {
    leader: () => (hasLeader ? 'one' : null),
    isAtWork: () => true,
    isSilent: () => false,
    isProvedOff: () => false,
    tracesOf: () => ({ journal: new Map(), lastRun: null }),
  };
  const failures: string[] = [];
  const orders = new Orders(new ModelSite(clock), store, means, (message) => failures.push(message));
  const setGuest = (changes: Partial<Guest>): void =>
    void store.rows.guest.set('a', { ...store.rows.guest.get('a')!, ...changes });
  const send = (): void => {
    const order = { kind: 'guest.start', guest: { guestId: 'a' }, epoch: 1 } as HostOrder;
    orders.sent({ commandId: 'c', hostId: 'h1', incarnation: 1, term: 1, notAfter: clock.now + 5_000, order });
  };
  const pass = (seconds: number, everySecond = (): void => {}): void => {
    for (let second = 0; second < seconds; second++) {
      clock.runUntil(clock.now + 1_000);
      everySecond();
      orders.pass(true);
    }
  };
  setGuest({ state: 'starting' });
  send();
  return { failures, setGuest, send, pass };
}

test('an order whose time has run out without its effect is a fault unless it is sent again', () => {
  const { failures, send, pass } = aStart();
  pass(29);
  send();
  pass(29);
  expect(failures).toEqual([]);
  pass(2);
  expect(failures).toEqual([expect.stringMatching(/guest.start of a for h1 had no answer .* not sent again/)]);
});

test('one that is sent again and again while nothing is amiss is a fault', () => {
  const { failures, send, pass } = aStart();
  pass(10, send);
  expect(failures).toEqual([expect.stringContaining('nothing comes of it')]);
});

test('one that is not wanted any more needs no answer, nor one that nobody is there to send again', () => {
  const { failures, setGuest, pass } = aStart();
  setGuest({ state: 'running' });
  pass(60);
  expect(failures).toEqual([]);

  const alone = aStart({ hasLeader: false });
  alone.pass(60);
  expect(alone.failures).toEqual([]);
});
