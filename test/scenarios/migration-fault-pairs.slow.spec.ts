import { aMigration, atStep, begin, history, outageMs, strike } from '@argosy/simulator/migration-bench';
import { migrationSteps, victims } from '@argosy/simulator/migration-faults';
import type { World } from '@argosy/simulator/world';

/**
 * A second fault soon after the first, at every step: what the memory should come to is not stated here, but the guest
 * must run exactly once afterwards, and every boot beyond the first must have a death of its own.
 */
const faults: Record<string, (world: World) => void> = {
  'source host': (world) => losePower(world, 'h1'),
  'target host': (world) => losePower(world, 'h2'),
  link: (world) => {
    world.site.network.cut('h1', 'h2');
    world.clock.after(outageMs, () => world.site.network.heal('h1', 'h2'));
  },
  cancel: (world) => {
    const migration = world.store.load()?.migrations[0];
    if (migration) world.request('administrator', { kind: 'migration.cancel', migration: migration.id });
  },
  'stop and start': (world) => {
    world.request('administrator', { kind: 'guest.power', guest: 'g', desired: 'stopped' });
    world.clock.after(15_000, () =>
      world.request('administrator', { kind: 'guest.power', guest: 'g', desired: 'running' }),
    );
  },
  'leader asleep': (world) => {
    const leader = world.leader();
    leader?.pause();
    world.clock.after(12_000, () => leader?.resume());
  },
  'source isolated': (world) => isolate(world, 'h1', false),
  'target isolated': (world) => isolate(world, 'h2', true),
  'answer lost': (world) => {
    world.store.lostAnswers = 1;
  },
};
for (const victim of victims) {
  faults[victim] = (world) => {
    if (victim !== 'controller' || world.leader()) strike(world, victim);
  };
}

function losePower(world: World, hostName: string): void {
  world.host(hostName).powerOff();
  world.clock.after(30_000, () => world.host(hostName).powerOn());
}

function isolate(world: World, hostName: string, alsoFromDatastore: boolean): void {
  const host = world.host(hostName);
  host.cut('both');
  host.datastoreCut = alsoFromDatastore;
  world.clock.after(outageMs * 2, () => {
    host.cut('none');
    host.datastoreCut = false;
  });
}

const delaysMs = [0, 7, 300, 1500, 4000];

function runPair(step: (typeof migrationSteps)[number], first: string, second: string, delayMs: number): string[] {
  const world = aMigration();
  let deaths = first === 'stop and start' || second === 'stop and start' ? 1 : 0;
  world.onDeath = (instance, how) => {
    if (instance.guest.name === 'g' && how === 'crashed' && instance.memory) deaths++;
  };
  atStep(world, step, () => {
    world.note(`! ${first}`);
    faults[first]!(world);
    world.clock.after(delayMs, () => {
      world.note(`! ${second}`);
      faults[second]!(world);
    });
  });
  begin(world);
  world.run(120_000);
  world.invariants.checkSettled();
  const boots = world.site.datastore.disks.get('/datastore/guests/g/disk.qcow2')?.bootCount ?? 0;
  const wrongs = [...world.invariants.violations];
  if (boots - 1 > deaths) wrongs.push(`g booted ${boots} times, and only ${deaths} of its copies died`);
  if (world.guest('g').state !== 'running') wrongs.push(`g is ${world.guest('g').state}`);
  if (world.store.load()?.migrations.length) wrongs.push('its migration has not ended');
  return wrongs.length === 0
    ? []
    : [`${step}, ${first}, after ${delayMs} ms ${second}: ${wrongs.join('; ')}\n${history(world)}`];
}

describe.each(migrationSteps)('two faults at %s', (step) => {
  test.each(Object.keys(faults))(
    'first %s',
    (first) => {
      const wrongs = Object.keys(faults).flatMap((second) =>
        delaysMs.flatMap((delayMs) => runPair(step, first, second, delayMs)),
      );
      expect(wrongs).toEqual([]);
    },
    120_000,
  );
});
