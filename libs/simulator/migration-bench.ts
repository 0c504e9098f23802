import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import type { MigrationPhase } from '@argosy/domain/host-report';
import type { MigrationStep } from '@argosy/domain/lifecycle';
import { inventoryOf } from './inventory-plan';
import type { FaultStep, Outcome, Victim } from './migration-faults';
import { World } from './world';

export const outageMs = 10_000;

/**
 * Post-copy is made sure of by a guest that dirties more than its link carries. with-disk: from the one host's own
 * datastore to the other's.
 */
export type CopyKind = 'pre-copy' | 'post-copy' | 'with-disk';

export function aMigration(kind: CopyKind = 'pre-copy'): World {
  const postCopy = kind === 'post-copy';
  const withDisk = kind === 'with-disk';
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
      datastores: ['h1', 'h2'].map((on) => ({ name: `local-${on}`, on })),
      guests: [
        { name: 'g', memoryMiB: 512, on: 'h1', diskMiB: 64, ...(withDisk ? { datastore: 'local-h1' } : {}) },
        { name: 'neighbour', memoryMiB: 64, on: 'h2' },
      ],
      settings: {
        balance: { automation: 'partial' },
        migration: { bandwidthMiBPerSecond: 200, postCopy, autoConverge: !postCopy },
      },
    }),
  });
  world.run(3000);
  world.copyOf('g')!.consoleWrite(`dirty ${postCopy ? 400 : 20} 256 7\ndisk fill 16 5\n`);
  world.run(2000);
  return world;
}

export function begin(world: World, kind: CopyKind = 'pre-copy'): void {
  const there = { host: 'h2', ...(kind === 'with-disk' ? { datastore: 'local-h2' } : {}) };
  world.request('administrator', { kind: 'guest.migrate', guest: 'g', ...there }, (result) => {
    if (!result.ok) throw new Error(result.refusal.message);
  });
}

/** Calls back at the very moment: inside the step that writes it, before anything that follows. */
export function atStep(world: World, step: FaultStep, act: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    world.note(`! now: ${step}`);
    act();
  };
  const writes = (write: FleetWrite, migrationStep: MigrationStep): boolean =>
    write.kind === 'put' && write.entity === 'migration' && write.row.step === migrationStep;
  const { onWrite } = world.store;
  const onCommitted = (migrationStep: MigrationStep): void => {
    world.store.onWrite = (write) => {
      onWrite?.(write);
      if (writes(write, migrationStep)) once();
    };
  };
  const onPhase = (hostName: string, phase: MigrationPhase, run: () => void): void => {
    world.host(hostName).onJournal = ({ value }) => value?.kind === 'migration' && value.phase === phase && run();
  };
  switch (step) {
    case 'reserve':
      return onCommitted('open-target');
    case 'open-target':
      return onPhase('h2', 'preparing', once);
    case 'copy':
      return onPhase('h1', 'copying', () => world.clock.after(500, once));
    case 'switch-over: sent':
      world.site.onHandOver = once;
      return;
    case 'switch-over: released':
      return onPhase('h1', 'released', once);
    case 'switch-over: granted':
      return onPhase('h2', 'granted', once);
    case 'commit':
      world.store.beforeCommit = (transaction) => transaction.some((write) => writes(write, 'commit')) && once();
      return;
    case 'release':
      return onCommitted('release');
  }
}

const versions = new WeakMap<World, number>();

/** The version of the guest's data that it wrote last, wherever it ran then. */
function written(world: World): number {
  return versions.get(world) ?? 1;
}

/** A guest that writes all the time, so that a disk which is not the one that it wrote to last shows. */
function keepWriting(world: World): void {
  world.clock.every(40, () => {
    const copy = world.copyOf('g');
    if (!copy) return;
    copy.consoleWrite('disk fill 16 5\n');
    versions.set(world, copy.disk.dataVersion);
  });
}

/** Those of the guest that lie anywhere, whatever their names. */
function disksOf(world: World): number {
  const { disks } = world.site.datastore;
  return new Set([...disks].filter(([path]) => path.includes('/guests/g/')).map(([, disk]) => disk)).size;
}

export function strike(world: World, victim: Victim): void {
  const killOn = (hostName: string): void => {
    for (const instance of [...world.host(hostName).machine.instances.values()])
      if (instance.guest.name === 'g') instance.die('crashed', 'killed by the test');
  };
  const killers: Record<Victim, () => void> = {
    'source agent': () => world.host('h1').killAgent(),
    'target agent': () => world.host('h2').killAgent(),
    'source VMM': () => killOn('h1'),
    'target VMM': () => killOn('h2'),
    controller: () => world.leader()!.crash(),
    Redis: () => {
      world.bus.setUp(false);
      world.clock.after(outageMs, () => world.bus.setUp(true));
    },
    database: () => {
      world.store.away = true;
      world.clock.after(outageMs, () => (world.store.away = false));
    },
  };
  killers[victim]();
}

export function history(world: World): string {
  return world.log.map(({ at, text }) => `${(at / 1000).toFixed(3)} ${text}`).join('\n');
}

export interface Expected {
  readonly outcome: Outcome;
  readonly fenced: boolean;
}

/** What must be true after every cell, and what the cell expects. */
export function check(world: World, { outcome, fenced }: Expected): void {
  world.invariants.checkSettled();
  const copies = world.site.runningCopies(world.guest('g').id);
  const memory = copies[0]?.memory;
  const crashes = world.store.records.filter(
    (record) => record.subjectId === 'g' && /^guest-(crashed|lost)$/.test(record.code),
  ).length;
  const beatsWithoutFault = world.clock.now / 250;
  const facts = {
    violations: world.invariants.violations,
    copies: copies.length,
    boot: memory?.boot,
    diskIsTheLast: copies[0]?.disk.dataVersion === written(world),
    disks: disksOf(world),
    crashesRecorded: crashes > 0,
    counterWentOn: outcome === 'crash' || (memory != null && memory.heartbeats > beatsWithoutFault * 0.6),
    area: memory?.areaMiB,
    openMigrations: world.store.load()?.migrations.length,
    neighbour: world.site.runningCopies('neighbour').length,
    hostFenced: world.store.records.some((record) => record.code === 'host-fenced'),
  };
  const expected = {
    violations: [],
    copies: 1,
    boot: outcome === 'intact' ? 1 : 2,
    diskIsTheLast: true,
    disks: 1,
    crashesRecorded: outcome === 'crash',
    counterWentOn: true,
    area: outcome === 'intact' ? 256 : 0,
    openMigrations: 0,
    neighbour: 1,
    hostFenced: fenced,
  };
  if (JSON.stringify(facts) !== JSON.stringify(expected))
    throw new Error(`expected ${JSON.stringify(expected)}\n   found ${JSON.stringify(facts)}\n${history(world)}`);
}

/** A migration from h1 to h2 with what was prepared for it, and time for everything to settle. */
export function runMigration(prepare: (world: World) => void, kind: CopyKind = 'pre-copy'): World {
  const world = aMigration(kind);
  prepare(world);
  if (kind === 'with-disk') keepWriting(world);
  begin(world, kind);
  world.run(90_000);
  return world;
}

export interface Cell extends Expected {
  readonly step: FaultStep;
  readonly kind?: CopyKind;
}

export function runCell(cell: Cell, act: (world: World) => void): World {
  let struck = false;
  const prepare = (world: World): void =>
    atStep(world, cell.step, () => {
      struck = true;
      act(world);
    });
  const world = runMigration(prepare, cell.kind);
  if (!struck) throw new Error(`the step was never reached\n${history(world)}`);
  check(world, cell);
  return world;
}
