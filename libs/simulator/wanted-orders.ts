import { areSamePolicies, isolationOf } from '@argosy/control/isolation-policy';
import type { JournalEntry } from '@argosy/control/host-types';
import type { DiskWorkPhase } from '@argosy/domain/disk-work';
import type { Guest, Host } from '@argosy/domain/entities';
import { areSameLimits } from '@argosy/domain/guest-specification';
import type { HostRun } from '@argosy/domain/host-report';
import type { HostOrder, OrderOf } from '@argosy/domain/host-command';
import { type MigrationStep, migrationTransitions } from '@argosy/domain/lifecycle';
import type { Instant } from '@argosy/domain/units';
import type { ModelInstance } from './model-instance';
import type { ModelSite } from './model-machine';
import type { ModelStore } from './model-store';

/** What is left to be seen of a host beside its VMMs: its own disk, and the program that was run on it last. */
export interface HostTraces {
  tracesOf(hostName: string): {
    readonly journal: ReadonlyMap<string, JournalEntry>;
    readonly lastRun: HostRun | null;
  };
}

/**
 * Which orders are still to be carried out: by the record they are to be, and by the machines they are not. What the brains
 * remember of them is not asked.
 */
export class WantedOrders {
  constructor(
    private readonly site: ModelSite,
    private readonly store: ModelStore,
    private readonly traces: HostTraces,
  ) {}

  /** `since`: when it was sent first. */
  has(order: HostOrder, host: Host, since: Instant): boolean {
    switch (order.kind) {
      case 'guest.start':
        return this.startIsWanted(order.guest.guestId, order.epoch, host);
      case 'guest.stop':
        return this.stopIsWanted(order.guestId, order.epoch, host);
      case 'guest.pause':
      case 'guest.resume':
        return this.isOtherwise(order, host);
      case 'guest.limit':
        return this.limitIsWanted(order, host);
      case 'migration.prepare':
        return this.stepOf(order.migrationId) === 'open-target';
      case 'migration.cancel':
        return this.stepOf(order.migrationId) === 'cancelling';
      case 'migration.release':
        return this.isLeftBehind(order.migrationId, order.guestId, host);
      case 'migration.start':
        return this.copyIsWanted(order, host);
      case 'migration.grant':
        return this.grantIsWanted(order, host);
      case 'guest.kill':
        return this.killIsWanted(order, host);
      case 'host.isolation':
        return this.isolationIsWanted(order, host);
      case 'host.run':
        return this.runIsWanted(order.runId, host);
      case 'host.report':
        return false;
      case 'datastore.watch':
        return this.watchIsWanted(order, host, since);
      case 'disk.work':
        return this.operationIsHere(order.operationId, host) && this.phaseOf(order.operationId, host) === null;
      case 'disk.cancel':
        return this.cancelIsWanted(order, host);
      case 'disk.forget':
        return this.forgettingIsWanted(order.operationId, host);
    }
  }

  private startIsWanted(guestId: string, epoch: number, host: Host): boolean {
    const guest = this.store.rows.guest.get(guestId);
    const isMeant = guest?.state === 'starting' && guest.hostId === host.id && guest.epoch === epoch;
    return isMeant && guest.desired !== 'stopped' && !this.isThere(guestId, epoch, host);
  }

  /** It is there, and not because the record has it there or a migration is about it. */
  private stopIsWanted(guestId: string, epoch: number, host: Host): boolean {
    const guest = this.store.rows.guest.get(guestId);
    if (guest?.hostId === host.id && guest.epoch === epoch && guest.state !== 'stopping') return false;
    for (const { step, ...move } of this.store.rows.migration.values())
      if (move.guestId === guestId && migrationTransitions[step].length > 0) return false;
    return this.isThere(guestId, epoch, host);
  }

  private isOtherwise(order: OrderOf<'guest.pause' | 'guest.resume'>, host: Host): boolean {
    const { kind, guestId, epoch } = order;
    const guest = this.store.rows.guest.get(guestId);
    const wished: Guest['desired'] = kind === 'guest.pause' ? 'paused' : 'running';
    if (guest?.hostId !== host.id || guest.epoch !== epoch || guest.desired !== wished) return false;
    if (guest.state !== 'running' && guest.state !== 'paused') return false;
    const copy = this.copyOf(guestId, epoch, host);
    return copy !== undefined && copy.state === (wished === 'paused' ? 'running' : 'paused');
  }

  private limitIsWanted(order: OrderOf<'guest.limit'>, host: Host): boolean {
    const { guestId, epoch } = order;
    const guest = this.store.rows.guest.get(guestId);
    if (guest?.hostId !== host.id || guest.epoch !== epoch || !areSameLimits(guest, order)) return false;
    if (guest.state !== 'running' && guest.state !== 'paused') return false;
    const copy = this.copyOf(guestId, epoch, host);
    return copy !== undefined && !areSameLimits(copy, order);
  }

  /** The target waits for it, and the source has not begun. */
  private copyIsWanted(order: OrderOf<'migration.start'>, host: Host): boolean {
    const migration = this.store.rows.migration.get(order.migrationId);
    const target = this.store.rows.host.get(migration?.targetHostId ?? '');
    if (migration?.step !== 'copy' || !target) return false;
    const isListening = this.copyOf(order.guestId, order.targetEpoch, target)?.state === 'incoming';
    const copy = this.copyOf(order.guestId, order.epoch, host);
    return isListening && copy?.passage === null && (copy.state === 'running' || copy.state === 'paused');
  }

  private grantIsWanted({ migrationId, guestId, epoch }: OrderOf<'migration.grant'>, host: Host): boolean {
    const step = this.stepOf(migrationId);
    if (step === undefined || migrationTransitions[step].length === 0) return false;
    return this.copyOf(guestId, epoch, host)?.state === 'incoming';
  }

  /** Its VMM does not answer any more. */
  private killIsWanted({ guestId, epoch }: OrderOf<'guest.kill'>, host: Host): boolean {
    const guest = this.store.rows.guest.get(guestId);
    const isMeant = guest?.hostId === host.id && guest.epoch === epoch && guest.desired === 'running';
    return isMeant && this.copyOf(guestId, epoch, host)?.frozen === true;
  }

  private isolationIsWanted({ policy }: OrderOf<'host.isolation'>, host: Host): boolean {
    const pool = this.store.rows.pool.get(host.poolId);
    const known = this.traces.tracesOf(host.name).journal.get('isolation')?.value;
    const isKnown = known?.kind === 'isolation' && areSamePolicies(known.policy, policy);
    return pool !== undefined && areSamePolicies(isolationOf(pool), policy) && !isKnown;
  }

  private runIsWanted(runId: string, host: Host): boolean {
    const isAtIt = [...this.store.rows.roll.values()].some(
      ({ id, hosts }) =>
        runId === `${id}-${host.id}` &&
        hosts.some(({ hostId, step }) => hostId === host.id && step === 'running-command'),
    );
    return isAtIt && this.traces.tracesOf(host.name).lastRun?.runId !== runId;
  }

  private watchIsWanted({ datastores }: OrderOf<'datastore.watch'>, host: Host, since: Instant): boolean {
    const own = [...this.store.rows.datastore.values()].filter(({ hostId }) => hostId === null || hostId === host.id);
    const isMeant =
      own.length === datastores.length && own.every(({ id }) => datastores.some((each) => each.datastoreId === id));
    const { looks } = this.site.datastore;
    return isMeant && own.some(({ path }) => (looks.get(`${host.name}:${path}`) ?? -Infinity) < since);
  }

  private cancelIsWanted({ operationId }: OrderOf<'disk.cancel'>, host: Host): boolean {
    const phase = this.phaseOf(operationId, host);
    return this.operationIsHere(operationId, host) && (phase === null || phase === 'working');
  }

  private forgettingIsWanted(operationId: string, host: Host): boolean {
    const phase = this.phaseOf(operationId, host);
    return !this.operationIsHere(operationId, host) && phase !== null && phase !== 'working';
  }

  private operationIsHere(operationId: string, host: Host): boolean {
    return this.store.rows.diskOperation.get(operationId)?.hostId === host.id;
  }

  /** null: its host has not begun it. */
  private phaseOf(operationId: string, host: Host): DiskWorkPhase | null {
    const known = this.traces.tracesOf(host.name).journal.get(`disk-work/${operationId}`)?.value;
    return known?.kind === 'disk-work' ? known.phase : null;
  }

  private stepOf(migrationId: string): MigrationStep | undefined {
    return this.store.rows.migration.get(migrationId)?.step;
  }

  /** What a guest that has moved away left, or one that never came, is still there. */
  private isLeftBehind(migrationId: string, guestId: string, host: Host): boolean {
    const migration = this.store.rows.migration.get(migrationId);
    if (!migration || (migration.step !== 'release' && migrationTransitions[migration.step].length > 0)) return false;
    const epoch = this.store.rows.guest.get(guestId)?.epoch ?? Infinity;
    for (const { id } of this.site.machines.get(host.name)?.instances.values() ?? [])
      if (id.guestId === guestId && id.epoch <= migration.epoch && id.epoch < epoch) return true;
    return false;
  }

  private isThere(guestId: string, epoch: number, host: Host): boolean {
    return this.copyOf(guestId, epoch, host) !== undefined;
  }

  private copyOf(guestId: string, epoch: number, host: Host): ModelInstance | undefined {
    for (const instance of this.site.machines.get(host.name)?.instances.values() ?? [])
      if (instance.id.guestId === guestId && instance.id.epoch === epoch) return instance;
    return undefined;
  }
}
