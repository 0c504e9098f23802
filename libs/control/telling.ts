import type { HostCapacity } from '@argosy/domain/entities';
import { areSameLimits, usualLimits } from '@argosy/domain/guest-specification';
import type { GuestObservation, HostHeartbeat, HostReport, MigrationObservation } from '@argosy/domain/host-report';
import type { Instant } from '@argosy/domain/units';
import type { HostGuest, HostState } from './host-types';
import { limitsOf } from './host/guests';
import { copyKey } from './host/turn';

/** What a report says that the brain itself does not know. */
export interface HostIdentity {
  readonly capacity: HostCapacity;
  /** Where its agent takes orders. */
  readonly queue: string;
}

/** What this host shows the controller: complete, so that what is not in it is not here. */
export function reportOf(state: HostState, now: Instant, { capacity, queue }: HostIdentity): HostReport {
  const guests = [...state.guests.values()].map((copy) => {
    const live = state.live.get(copyKey(copy));
    return {
      guestId: copy.guestId,
      epoch: copy.epoch,
      state: copy.state,
      usage: live?.usage ?? null,
      heartbeat: live?.heartbeat ?? null,
      refusal: copy.refusal,
      ...unusualLimits(copy),
    };
  });
  return {
    hostId: state.hostId,
    incarnation: state.incarnation,
    sequence: ++state.sequence,
    sentAt: now,
    isolation: state.isolation,
    ...(state.health === undefined ? {} : { health: state.health }),
    run: state.run,
    term: state.term,
    queue,
    capacity,
    guests,
    migrations: [...state.migrations.values()].map((migration): MigrationObservation => ({
      migrationId: migration.migrationId,
      guestId: migration.guestId,
      role: migration.role,
      epoch: migration.role === 'source' ? migration.epoch : migration.targetEpoch,
      phase: migration.phase,
      uri: migration.uri,
      diskUri: migration.role === 'target' ? (migration.diskUri ?? null) : null,
      progress: state.progress.get(migration.migrationId) ?? null,
      downtimeMs: migration.downtimeMs,
      heartbeatAt: migration.heartbeatAt,
      refusal: migration.refusal,
    })),
    datastores: [...state.datastores.values()].map(({ datastoreId, totalBytes, freeBytes, at, refusal }) => ({
      datastoreId,
      totalBytes,
      freeBytes,
      at,
      refusal,
    })),
    diskWork: [...state.diskWork.values()].map(({ operationId, phase, result, refusal }) => ({
      operationId,
      phase,
      progress: state.progress.get(operationId) ?? null,
      result,
      refusal,
    })),
    cpuMillicores: guests.reduce((sum, guest) => sum + (guest.usage?.cpuMillicores ?? 0), 0),
    refusals: state.refusals,
  };
}

function unusualLimits(copy: HostGuest): Pick<GuestObservation, 'limits'> {
  const limits = limitsOf(copy);
  if (limits === null) return { limits };
  const { cpuShares, cpuLimitMillicores } = limits;
  return areSameLimits(limits, usualLimits) ? {} : { limits: { cpuShares, cpuLimitMillicores } };
}

export type Told =
  | { readonly kind: 'report'; readonly report: HostReport }
  | { readonly kind: 'heartbeat'; readonly heartbeat: HostHeartbeat };

/**
 * What a host says that is one of very many: a report when there is news in it, or when its figures (use, heartbeats of guests)
 * are as old as `figuresEveryMs` and somewhat more, so that not all hosts say theirs at once; else that the last one holds.
 */
export function tell(state: HostState, now: Instant, identity: HostIdentity, figuresEveryMs: number): Told {
  const news = newsOf(state);
  const { told } = state;
  if (told !== null && told.news === news && now < told.until) {
    const { hostId, incarnation, sequence } = state;
    return { kind: 'heartbeat', heartbeat: { hostId, incarnation, sequence, count: ++state.beats } };
  }
  const report = reportOf(state, now, identity);
  const spreadMs = (hashOf(state.hostId, report.sequence) % 1_000) * (figuresEveryMs / 2_000);
  state.told = { news, until: now + figuresEveryMs + spreadMs };
  return { kind: 'report', report };
}

/** Everything that somebody may wait for; while a migration or work on a disk is under way, time as well. */
function newsOf(state: HostState): string {
  const { term, run, health, isolation, migrations, diskWork, refusals } = state;
  const parts: unknown[] = [term, run, health, isolation, refusals.at(-1)?.commandId, refusals.length];
  for (const { guestId, epoch, state: is, refusal, limits } of state.guests.values()) {
    const live = state.live.get(`${guestId}:${epoch}`);
    parts.push(guestId, epoch, is, refusal, limits, live?.heartbeat?.firstAt, live?.usage === null);
  }
  for (const { datastoreId, totalBytes, refusal } of state.datastores.values())
    parts.push(datastoreId, totalBytes === null, refusal);
  if (migrations.size > 0 || diskWork.size > 0) parts.push(state.sequence);
  return JSON.stringify(parts);
}

function hashOf(text: string, number: number): number {
  let hash = number;
  for (let index = 0; index < text.length; index++) hash = (hash * 31 + text.charCodeAt(index)) >>> 0;
  return hash;
}
