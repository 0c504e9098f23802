import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { FleetEvent } from '@argosy/control/fleet-types';
import { inventoryOf } from './inventory-plan';

const beganAt = 1_000_000_000;
const leaseMs = 10_000;
const names = ['h1', 'h2', 'h3'];

/** A leader that has heard itself, every host and every armed watchdog at 20 s, and whose clock then jumps. */
class Leader {
  readonly fleet = createFleet({ newId: () => 'id' });
  readonly codes: string[] = [];
  private beats = 0;
  private jumpedMs = 0;

  constructor() {
    const guests = names.map((on) => ({ name: `on-${on}`, on, memoryMiB: 128 }));
    const inventory = inventoryOf({ hosts: names.map((name) => ({ name, memoryMiB: 4096 })), guests });
    this.take({ kind: 'took-over', term: 1, inventory }, 10_000);
    this.hearItself(20_000);
    for (const hostId of names) this.hear(hostId, 20_000);
  }

  jump(byMs: number): void {
    this.jumpedMs += byMs;
  }

  /** `at`: of the time that has really passed. */
  take(event: FleetEvent, at: number): void {
    const { writes } = stepFleet(this.fleet, event, beganAt + at + this.jumpedMs, this.jumpedMs);
    for (const write of writes) if (write.kind === 'record') this.codes.push(write.record.code);
  }

  hearItself(at: number): void {
    this.take({ kind: 'own-heartbeat' }, at);
    this.take({ kind: 'own-datastore-heartbeat' }, at);
  }

  hear(hostId: string, at: number): void {
    const host = this.fleet.hosts.get(hostId)!;
    const { incarnation } = host;
    const beat = { hostId, incarnation, sequence: 1, count: ++this.beats };
    this.take({ kind: 'heartbeats', heartbeats: [beat] }, at);
    this.take({ kind: 'datastore-heartbeat', hostId }, at);
    const lease = { incarnation, armed: true, leaseMs, renewed: true, heartbeatAfterMs: 0 };
    this.take({ kind: 'watchdog-lease', hostId, ...lease }, at);
  }

  watchAt(at: number): void {
    this.hearItself(at);
    this.take({ kind: 'tick' }, at);
  }
}

test.each([30_000, 3_600_000, -30_000])('a jump of %i ms is no silence and ends no lease', (byMs) => {
  const leader = new Leader();
  leader.jump(byMs);
  leader.hear('h1', 20_100);
  leader.watchAt(20_200);
  expect(leader.codes).toEqual([]);
});

test.each([30_000, -30_000])('a host that is lost as the clock jumps by %i ms is found out no later', (byMs) => {
  const leader = new Leader();
  leader.jump(byMs);
  const watchAt = (at: number): void => {
    ['h1', 'h2'].forEach((hostId) => leader.hear(hostId, at));
    leader.watchAt(at);
  };
  for (let at = 20_200; at < 22_600; at += 200) watchAt(at);
  expect(leader.codes).not.toContain('fence-asked');
  watchAt(22_600);
  expect(leader.codes).toContain('fence-asked');
  for (let at = 22_800; at < 20_000 + leaseMs + 2_000; at += 200) watchAt(at);
  expect(leader.codes).not.toContain('watchdog-lease-ended');
  watchAt(32_000);
  expect(leader.codes).toContain('watchdog-lease-ended');
});

test('a watchdog that died as the clock went back proves nothing of its host', () => {
  const leader = new Leader();
  leader.jump(-30_000);
  const { incarnation } = leader.fleet.hosts.get('h3')!;
  leader.take({ kind: 'heartbeats', heartbeats: [{ hostId: 'h3', incarnation, sequence: 1, count: 99 }] }, 23_500);
  leader.watchAt(23_600);
  expect(leader.codes).toContain('alarm-raised.watchdog-silent');
});

test('what was decided before a jump and comes after it is judged by its own time', () => {
  const leader = new Leader();
  leader.jump(30_000);
  leader.hear('h1', 20_100);
  leader.jump(-30_000);
  leader.hear('h2', 20_100);
  leader.jump(30_000);
  leader.watchAt(20_200);
  expect(leader.codes).toEqual([]);
});
