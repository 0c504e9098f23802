import { isolationResponses, type Pool } from '@argosy/domain/entities';
import type { DrillKind } from '@argosy/domain/drill';
import type { Instant } from '@argosy/domain/units';
import { inventoryOf } from './inventory-plan';
import { createRandom } from './random';
import type { Random } from './random';
import { World } from './world';

export interface SoakRun {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly log: readonly string[];
}

const hostNames = ['h1', 'h2', 'h3', 'h4'];
const guestNames = ['a', 'b', 'c', 'd', 'e', 'f'];
const faultsUntilMs = 120_000;
/** After the last fault everything is mended, and the fleet has this long to come to rest. */
const restMs = 120_000;

interface Soak {
  readonly world: World;
  readonly random: Random;
  /** What may cost a guest its memory: a death, or an administrator's stop. Every boot beyond the first needs one. */
  readonly ends: Map<string, number>;
  /** Hosts that were cut off, and may have stopped guests by themselves for some time afterwards. */
  readonly cutOff: Set<string>;
}

type Fault = { readonly weight: number; readonly run: (soak: Soak) => string };

const host = ({ random, world }: Soak): ReturnType<World['host']> => world.host(random.pick(hostNames));
const later = (soak: Soak, mostMs: number, run: () => void): number => {
  const delayMs = 100 + soak.random.below(mostMs);
  soak.world.clock.after(delayMs, run);
  return delayMs;
};

function countEnd({ ends }: Soak, guestId: string): void {
  ends.set(guestId, (ends.get(guestId) ?? 0) + 1);
}

/** What may happen at any moment, and how often. Each says in the words of a scenario what it did. */
const faults: readonly Fault[] = [
  {
    weight: 8,
    run: ({ world, random }) => {
      const [guest, target] = [random.pick(guestNames), random.pick(hostNames)];
      world.request('soak', { kind: 'guest.migrate', guest, host: target });
      return `migrate ${guest} ${target}`;
    },
  },
  {
    weight: 2,
    run: ({ world, random }) => {
      const guest = random.pick(guestNames);
      const migration = world.store.load()?.migrations.find((each) => each.guestId === guest);
      if (migration) world.request('soak', { kind: 'migration.cancel', migration: migration.id });
      return `cancel ${guest}`;
    },
  },
  {
    weight: 3,
    run: ({ world, random }) => {
      const [guest, load] = [random.pick(guestNames), random.below(600)];
      world.copyOf(guest)?.consoleWrite(`load ${load}\n`);
      return `guest ${guest} load ${load}`;
    },
  },
  {
    weight: 4,
    run: (soak) => {
      const { name } = host(soak);
      soak.world.host(name).killAgent();
      return `agent ${name} kill`;
    },
  },
  {
    weight: 2,
    run: ({ world, random }) => {
      const guest = random.pick(guestNames);
      const copies = [...world.site.instances()].filter((instance) => instance.id.guestId === guest);
      if (copies.length > 0) random.pick(copies).die('crashed', 'its process was killed');
      return `guest ${guest} crash`;
    },
  },
  {
    weight: 2,
    run: (soak) => {
      const { name } = host(soak);
      soak.world.host(name).powerOff();
      const backMs = later(soak, 30_000, () => soak.world.host(name).powerOn());
      return `power ${name} off, on after ${backMs} ms`;
    },
  },
  {
    weight: 2,
    run: (soak) => {
      soak.world.leader()?.crash();
      soak.world.addController(`controller${soak.world.controllers.length + 1}`);
      return 'controller kill, another starts';
    },
  },
  {
    weight: 2,
    run: (soak) => {
      const leader = soak.world.leader();
      leader?.pause();
      return `controller ${leader?.name ?? 'none'} pause, resume after ${later(soak, 12_000, () => leader?.resume())} ms`;
    },
  },
  {
    weight: 2,
    run: (soak) => {
      soak.world.bus.setUp(false);
      return `redis off, on after ${later(soak, 15_000, () => soak.world.bus.setUp(true))} ms`;
    },
  },
  {
    weight: 1,
    run: ({ world }) => {
      world.bus.empty();
      return 'redis empty';
    },
  },
  {
    weight: 2,
    run: (soak) => {
      soak.world.store.away = true;
      return `database off, on after ${later(soak, 15_000, () => (soak.world.store.away = false))} ms`;
    },
  },
  {
    weight: 1,
    run: ({ world }) => {
      world.store.lostAnswers = 1;
      return 'database loses the answer to a commit';
    },
  },
  {
    weight: 2,
    run: (soak) => {
      const [one, other] = [host(soak).name, host(soak).name];
      soak.world.site.network.cut(one, other);
      return `link ${one} ${other} cut, whole after ${later(soak, 10_000, () => soak.world.site.network.heal(one, other))} ms`;
    },
  },
  {
    weight: 1,
    run: (soak) => {
      const { name } = host(soak);
      soak.world.host(name).isolate(true);
      soak.cutOff.add(name);
      return `isolate ${name}, rejoined after ${later(soak, 20_000, () => soak.world.host(name).isolate(false))} ms`;
    },
  },
  {
    weight: 1,
    run: (soak) => {
      const cut = host(soak);
      cut.isolate(true);
      soak.cutOff.add(cut.name);
      cut.datastoreCut = true;
      const whole = (): void => {
        cut.isolate(false);
        cut.datastoreCut = false;
      };
      return `isolate ${cut.name} from the datastore too, rejoined after ${later(soak, 20_000, whole)} ms`;
    },
  },
  {
    weight: 1,
    run: (soak) => {
      const { name, watchdog } = host(soak);
      watchdog.die();
      // Its supervisor starts it again; until then the agent alone would keep its deadline.
      return `watchdog ${name} dies, back after ${later(soak, 300, () => soak.world.host(name).machine.powered && watchdog.start())} ms`;
    },
  },
  {
    weight: 1,
    run: ({ world, random }) => {
      const kind: DrillKind = random.pick(['host-loss', 'agent-loss', 'guest-crash']);
      const [hostName, guest] = [random.pick(hostNames), random.pick(guestNames)];
      world.request(
        'soak',
        kind === 'guest-crash'
          ? { kind: 'drill.run', drill: kind, guest }
          : { kind: 'drill.run', drill: kind, host: hostName },
      );
      return `drill ${kind} ${kind === 'guest-crash' ? guest : hostName}`;
    },
  },
  {
    weight: 2,
    run: (soak) => {
      const guest = soak.random.pick(guestNames);
      countEnd(soak, guest);
      soak.world.request('soak', {
        kind: 'guest.power',
        guest,
        desired: 'stopped',
        force: soak.random.below(2) === 0,
      });
      const start = (): void =>
        soak.world.request('soak', { kind: 'guest.power', guest, desired: 'running' }, (result) => {
          if (!result.ok) soak.world.clock.after(1000, start);
        });
      return `guest ${guest} stop, start after ${later(soak, 20_000, start)} ms`;
    },
  },
  {
    weight: 1,
    run: (soak) => {
      const guest = soak.random.pick(guestNames);
      countEnd(soak, guest);
      soak.world.request('soak', { kind: 'guest.restart', guest });
      return `guest ${guest} restart`;
    },
  },
  {
    weight: 1,
    run: (soak) => {
      const guest = soak.random.pick(guestNames);
      soak.world.request('soak', { kind: 'guest.power', guest, desired: 'paused' });
      const resume = (): void =>
        soak.world.request('soak', { kind: 'guest.power', guest, desired: 'running' }, (result) => {
          if (!result.ok) soak.world.clock.after(1000, resume);
        });
      return `guest ${guest} pause, resume after ${later(soak, 10_000, resume)} ms`;
    },
  },
  {
    weight: 2,
    run: (soak) => {
      const { name } = host(soak);
      soak.world.request('soak', { kind: 'host.maintenance', host: name, enter: true });
      const leave = (): void =>
        soak.world.request('soak', { kind: 'host.maintenance', host: name, enter: false }, (result) => {
          if (!result.ok && result.refusal.code === 'not-leader') soak.world.clock.after(1000, leave);
        });
      return `maintenance ${name}, left after ${later(soak, 20_000, leave)} ms`;
    },
  },
  {
    weight: 1,
    run: (soak) => {
      const broken = host(soak);
      const fault = soak.random.pick(['refuses', 'silent'] as const);
      broken.fenceFaults.set(null, fault);
      return `fence ${broken.name} ${fault}, works after ${later(soak, 20_000, () => broken.fenceFaults.clear())} ms`;
    },
  },
  {
    weight: 1,
    run: ({ world, random }) => {
      const waiting = [...world.site.instances()].filter((instance) => instance.state === 'incoming');
      if (waiting.length > 0) random.pick(waiting).freeze();
      return 'a waiting target freezes';
    },
  },
  {
    weight: 3,
    run: (soak) => {
      const guest = soak.random.pick(guestNames);
      power(soak, guest, 'suspended');
      return `guest ${guest} suspend, start after ${later(soak, 15_000, () => power(soak, guest, 'running'))} ms`;
    },
  },
  {
    weight: 3,
    run: ({ world, random }) => {
      const guest = random.pick(guestNames);
      world.request('soak', { kind: 'snapshot.take', guest, name: 's', memory: random.below(2) === 0 });
      return `guest ${guest} snapshot s`;
    },
  },
  {
    weight: 2,
    run: ({ world, random }) => {
      const guest = random.pick(guestNames);
      world.request('soak', { kind: 'snapshot.remove', guest, snapshot: 's' });
      return `guest ${guest} forgets snapshot s`;
    },
  },
  {
    weight: 2,
    run: (soak) => {
      const guest = soak.random.pick(guestNames);
      countEnd(soak, guest);
      soak.world.request('soak', { kind: 'snapshot.take', guest, name: 's' });
      soak.world.clock.after(300, () => power(soak, guest, 'stopped'));
      const revertMs =
        500 +
        later(soak, 4_000, () =>
          soak.world.clock.after(500, () =>
            soak.world.request('soak', { kind: 'snapshot.revert', guest, snapshot: 's' }),
          ),
        );
      const startMs = later(soak, 15_000, () => power(soak, guest, 'running'));
      return `guest ${guest} snapshot s, kill, revert after ${revertMs} ms, start after ${startMs} ms`;
    },
  },
  {
    weight: 4,
    run: (soak) => {
      const { world, random } = soak;
      const guest = random.pick(guestNames);
      const [name, linked] = [`${guest}${Math.round(world.clock.now)}`, random.below(2) === 0];
      const begin = () => world.request('soak', { kind: 'guest.clone', guest, clone: { name, linked } });
      if (linked) {
        // Which is of a stopped guest.
        countEnd(soak, guest);
        power(soak, guest, 'stopped');
        world.clock.after(1_000, begin);
        later(soak, 15_000, () => power(soak, guest, 'running'));
      } else begin();
      const removeMs = later(soak, 20_000, () => world.request('soak', { kind: 'guest.remove', guest: name }));
      return `guest ${guest} clone ${name}${linked ? ' linked' : ''}, removed after ${removeMs} ms`;
    },
  },
];

/** Unheard, as while nobody leads, it is asked for again when all is mended. */
function power({ world }: Soak, guest: string, desired: 'running' | 'stopped' | 'suspended'): void {
  world.request('soak', { kind: 'guest.power', guest, desired, ...(desired === 'stopped' ? { force: true } : {}) });
}

function pickFault(random: Random): Fault {
  const total = faults.reduce((sum, fault) => sum + fault.weight, 0);
  let draw = random.below(total);
  for (const fault of faults) {
    draw -= fault.weight;
    if (draw < 0) return fault;
  }
  throw new Error('the weights do not add up');
}

function aWorld(random: Random): World {
  return new World({
    inventory: inventoryOf({
      hosts: hostNames.map((name) => ({ name, memoryMiB: 2048, cpuMillicores: 1000 })),
      guests: guestNames.map((name, index) => ({ name, memoryMiB: 256, on: hostNames[index % hostNames.length]! })),
      settings: {
        isolationResponse: random.pick(isolationResponses),
        failure: {
          isolatedAfterMs: 2_000 + random.below(12_000),
          watchdogLeaseMs: 6_000 + random.below(10_000),
          lockIsProof: random.below(4) === 0,
        },
        migration: {
          bandwidthMiBPerSecond: 50 + random.below(200),
          postCopy: random.below(4) === 0,
          copyDeadlineMs: 15_000,
        },
      },
    }),
  });
}

function poolOf(world: World): Pool {
  return [...world.store.rows.pool.values()][0]!;
}

/** One world under faults that come from its seed, then mended: the invariants hold all along, and at the end all is well. */
export function runSoak(seed: number): SoakRun {
  const random = createRandom(seed);
  const world = aWorld(random);
  const soak: Soak = { world, random, ends: new Map(), cutOff: new Set() };
  world.site.onDeath = (instance, how, reason) => {
    // A host that is cut off stops its guests by itself, and a start under a disk's lock may have been in vain.
    const byItself = soak.cutOff.has(instance.machine.name) || poolOf(world).failure.lockIsProof;
    if ((how === 'crashed' || byItself) && instance.memory !== null) {
      countEnd(soak, instance.id.guestId);
      world.note(`- ${instance.guest.name} epoch ${instance.id.epoch} died on ${instance.machine.name}: ${reason}`);
    }
  };
  world.onBoot = (instance) => {
    instance.consoleWrite(`dirty ${random.below(40)} ${32 + random.below(128)} 1\n`);
    instance.consoleWrite(`disk fill 8 ${seedOf(instance.guest.name)}\n`);
  };
  // Jobs are lost, late and doubled all along.
  world.bus.fate = () =>
    random.pick([
      'once',
      'once',
      'once',
      'once',
      'once',
      'once',
      'twice',
      'lost',
      { lateMs: random.below(8000) },
      { againAfterMs: random.below(8000) },
    ]);
  const next = (at: Instant): void => {
    if (at > faultsUntilMs) return;
    world.clock.at(at, () => {
      world.note(`! ${pickFault(random).run(soak)}`);
      next(world.clock.now + 50 + random.below(random.below(3) === 0 ? 300 : 6000));
    });
  };
  next(3000);
  world.clock.at(faultsUntilMs, () => mend(soak));
  world.runUntil(faultsUntilMs + restMs);
  world.invariants.checkSettled();
  return {
    seed,
    violations: [...world.invariants.violations, ...unexplainedBoots(soak), ...wrongDisks(world)],
    log: world.log.map(({ at, text }) => `${(at / 1000).toFixed(3)} ${text}`),
  };
}

function mend(soak: Soak): void {
  const { world } = soak;
  world.note('! everything is mended');
  world.bus.fate = () => 'once';
  world.bus.setUp(true);
  world.store.away = false;
  for (const controller of world.controllers) if (controller.paused) controller.resume();
  for (const name of hostNames) {
    const each = world.host(name);
    each.isolate(false);
    each.datastoreCut = false;
    each.fenceFaults.clear();
    each.powerOn();
    for (const other of hostNames) world.site.network.heal(name, other);
  }
  // What was begun before has been asked for by then, or never will be.
  for (const afterMs of [35_000, 60_000])
    world.clock.after(afterMs, () => {
      for (const guest of world.store.rows.guest.values()) {
        if (guestNames.includes(guest.name)) power(soak, guest.name, 'running');
        else world.request('soak', { kind: 'guest.remove', guest: guest.name });
      }
    });
}

/** Each guest writes data of its own, and its clones have it from there. */
function seedOf(guestName: string): number {
  return guestNames.indexOf(guestName) + 1;
}

/** Data that is not where it should be, and files that nobody has any more. */
function wrongDisks({ store, site }: World): string[] {
  const guests = [...store.rows.guest.values()];
  const wrong = guests.flatMap(({ id, name, clonedFrom, state }) => {
    const disk = site.datastore.disks.get(`/datastore/guests/${id}/disk.qcow2`);
    if (!disk) return state === 'cloning' ? [] : [`${name} is ${state} and has no disk`];
    const seed = seedOf(clonedFrom ?? name);
    return disk.dataSeed === seed ? [] : [`the disk of ${name} has the data of ${disk.dataSeed}, and not of ${seed}`];
  });
  const needed = new Set(guests.flatMap(({ id, basePaths }) => [`/datastore/guests/${id}/disk.qcow2`, ...basePaths]));
  const left = [...site.datastore.disks.keys()].filter((path) => !needed.has(path));
  const work = [...store.rows.diskOperation.values()].map(
    (each) => `${each.work.kind} of ${each.guestName} never ended`,
  );
  return [...wrong, ...left.map((path) => `${path} is left over`), ...work];
}

function unexplainedBoots({ world, ends }: Soak): string[] {
  return guestNames.flatMap((name) => {
    const boots = world.site.datastore.disks.get(`/datastore/guests/${name}/disk.qcow2`)?.bootCount ?? 0;
    const died = ends.get(name) ?? 0;
    return boots - 1 > died ? [`${name} booted ${boots} times, and only ${died} reasons for it are known`] : [];
  });
}
