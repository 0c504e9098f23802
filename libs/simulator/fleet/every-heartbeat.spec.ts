import { inventoryOf } from '../inventory-plan';
import { createRandom } from '../random';
import { World } from '../world';
import { balancingPolicy } from './balancing';
import type { Fleet } from './fleet';
import type { FleetPolicy } from './policy';
import { FleetRun } from './run';
import { demandShare, type Workload } from './workload';
import { buildWorkload } from './workload-builder';

// A fleet run leaves out what healthy hosts say of themselves: reports, heartbeats, orders, and the seconds between two looks. Here
// the same fleet lives through all of it, message by message, and what is decided must be the same.

const hostCount = 50;
const guestsPerHost = 6;
const guestCount = hostCount * guestsPerHost;
const stepSeconds = 45;
const steps = 4;
/** CloudSim's steps are this much late, and so are those of a fleet run. */
const lateSeconds = 0.1;

const host = { name: 'plain', cores: 4, coreMHz: 1000, memoryMiB: 16_384, linkMbps: 10_000, watts: Array.from({ length: 11 }, () => 100) }; // prettier-ignore
/** So that their order is that of their numbers. */
const hostName = (index: number): string => `h${String(index).padStart(2, '0')}`;
const guestName = (index: number): string => `g${String(index).padStart(3, '0')}`;
const placeOf = (guest: number): number => Math.floor(guest / guestsPerHost);

/** Some hosts are asked for more than they have, others for little, and it changes from step to step. */
function aWorkload(seed: number): Workload {
  const random = createRandom(seed);
  const heat = Array.from({ length: hostCount }, () => 0.2 + 0.9 * random.next());
  const guests = Array.from({ length: guestCount }, (_, index) => ({
    name: guestName(index),
    cores: 1,
    capacityMHz: 1000,
    memoryMiB: 512 + 256 * random.below(4),
    arrivesAtStep: 0,
    leavesAtStep: steps + 1,
    demand: Array.from({ length: steps + 1 }, () => heat[placeOf(index)]! * (0.3 + 0.9 * random.next())),
  }));
  return buildWorkload(guests, { stepSeconds, lastStep: steps, reserved: false });
}

/** What is moved where, step by step, where the guests ask for what the hosts have measured: to a millicore what they did ask for. */
function movesOfRun(workload: Workload, heard: readonly (readonly number[])[]): string[][] {
  const moves: string[][] = [];
  const balancing = balancingPolicy();
  const policy: FleetPolicy = {
    name: 'told',
    place: (_, guest) => placeOf(guest),
    decide: (fleet, migrate) => {
      const now: string[] = [];
      const measured = heard[moves.length]!;
      const asked = measured.map((_, guest) => fleet.wantedMHz(guest));
      expect(Math.max(...measured.map((millicores, guest) => Math.abs(millicores - asked[guest]!)))).toBeLessThan(1);
      const asMeasured = Object.assign(Object.create(fleet) as Fleet, {
        wantedMHz: (guest: number) => measured[guest]!,
      });
      balancing.decide(asMeasured, (guest, to) => {
        now.push(`${guestName(guest)} to ${hostName(to)}`);
        migrate(guest, to);
      });
      moves.push(now);
    },
  };
  const hosts = Array.from({ length: hostCount }, () => host);
  const run = new FleetRun({ hosts, workload, policy, memoryEnforced: true, idleGuestsEnd: false, clock: () => 0 });
  while (run.advance());
  return moves;
}

interface Lived {
  readonly moves: string[][];
  /** What the brain had heard of each guest's demand when it decided. */
  readonly heard: number[][];
  readonly reports: number;
}

function live(workload: Workload): Lived {
  const world = new World({
    checked: false,
    controllers: 1,
    inventory: inventoryOf({
      hosts: Array.from({ length: hostCount }, (_, index) => ({
        name: hostName(index),
        memoryMiB: host.memoryMiB,
        cpuMillicores: host.cores * 1000,
      })),
      guests: workload.names.map((name, index) => ({
        name,
        memoryMiB: workload.memoryMiB[index]!,
        on: hostName(placeOf(index)),
      })),
      settings: {
        balance: { intervalMs: stepSeconds * 1000, coolDownMs: 0 },
        migration: { concurrentPerHost: guestCount },
      },
    }),
  });
  // Guests count seldom: it is the hosts' heartbeats that are asked about.
  world.whenBooted(({ memory }) => (memory!.tickMs = 30_000));
  let reports = 0;
  world.bus.subscribe(() => reports++);
  const moves: string[][] = [];
  const heard: number[][] = [];
  const { onWrite } = world.store;
  let now: string[] = [];
  let known: number[] = [];
  world.store.onWrite = (write) => {
    onWrite?.(write);
    if (write.kind === 'put' && write.entity === 'recommendation' && write.row.state === 'open')
      now.push(`${write.row.guestId} to ${write.row.toHostId}`);
    // Nothing is heard between a decision and its commit.
    if (write.kind === 'put' && write.entity === 'balanceRun')
      known = workload.names.map((name) => world.leader()!.fleet.demand.get(name)?.cpuMillicores ?? NaN);
  };
  world.run(1_000);
  for (let step = 1; step <= steps; step++) {
    now = [];
    demand(world, workload, step * stepSeconds + lateSeconds);
    // The pool is looked at at the first tick of a minute or soon after.
    world.runUntil((step * stepSeconds + 10) * 1000);
    heard.push(known);
    moves.push(now);
  }
  return { moves, heard, reports };
}

/** The measuring guest takes a little for itself. */
const ownMillicores = 4;

function demand(world: World, workload: Workload, seconds: number): void {
  for (const machine of world.site.machines.values()) {
    for (const { memory, guest } of machine.instances.values()) {
      const millicores = 1000 * demandShare(workload, workload.names.indexOf(guest.name), seconds);
      memory!.loadPermille = millicores - ownMillicores;
    }
    machine.shareOut();
  }
}

test('at 50 hosts a fleet run decides what it would with every heartbeat simulated', () => {
  const workload = aWorkload(7);
  const { moves, heard, reports } = live(workload);
  const run = movesOfRun(workload, heard);
  expect(reports).toBeGreaterThan(hostCount * stepSeconds * (steps - 1));
  expect(run.flat().length).toBeGreaterThan(30);
  expect(moves).toEqual(run);
});
