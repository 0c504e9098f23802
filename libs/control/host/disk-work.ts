import { type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import type { OrderOf, WatchedDatastore } from '@argosy/domain/host-command';
import type { Result } from '@argosy/domain/refusal';
import { commandDeadlineMs } from '../defaults';
import type { HostDiskWork } from '../host-types';
import { callVmm, type HostTurn, isCalling, report } from './turn';

const measureEveryMs = 10_000;

export function watchDatastores(turn: HostTurn, watched: readonly WatchedDatastore[]): void {
  const { datastores } = turn.state;
  for (const id of [...datastores.keys()]) if (!watched.some((each) => each.datastoreId === id)) datastores.delete(id);
  for (const { datastoreId, path } of watched)
    if (datastores.get(datastoreId)?.path !== path)
      datastores.set(datastoreId, {
        datastoreId,
        path,
        totalBytes: null,
        freeBytes: null,
        at: turn.now,
        refusal: null,
        nextAt: turn.now,
      });
  measureDatastores(turn);
  report(turn);
}

/** One look at a time: a storage that hangs is not asked again and again. */
export function measureDatastores(turn: HostTurn): void {
  for (const { datastoreId, path, nextAt } of turn.state.datastores.values()) {
    if (turn.now < nextAt) continue;
    if (isCalling(turn, (pending) => pending.kind === 'datastore' && pending.datastoreId === datastoreId)) continue;
    callVmm(turn, { kind: 'datastore', datastoreId }, { call: 'measureDatastore', path });
  }
}

export function measured(
  turn: HostTurn,
  datastoreId: string,
  result: Result<{ readonly totalBytes: number; readonly freeBytes: number }>,
): void {
  const known = turn.state.datastores.get(datastoreId);
  if (!known) return;
  const first = known.totalBytes === null;
  const value = result.ok ? { ...result.value, refusal: null } : { refusal: result.refusal };
  turn.state.datastores.set(datastoreId, { ...known, ...value, at: turn.now, nextAt: turn.now + measureEveryMs });
  if (first) report(turn);
}

/** Asked again, it changes nothing: what is under way or has ended is shown. */
export function beginWork(turn: HostTurn, { operationId, work }: OrderOf<'disk.work'>): void {
  if (turn.state.diskWork.has(operationId)) return report(turn);
  if ((turn.state.forgottenWork.get(operationId) ?? 0) > turn.now) return;
  keepWork(turn, { kind: 'disk-work', operationId, work, phase: 'working', result: nothingToTell, refusal: null });
  callVmm(turn, { kind: 'disk-work', operationId }, { call: 'diskWork', work });
  report(turn);
}

/**
 * What has not moved by then stays. Of work that is not known here, as after this agent's death, it is found out first whether
 * it had been done: so it is begun, and cancelled at once.
 */
export function cancelWork(turn: HostTurn, { operationId, work }: OrderOf<'disk.cancel'>): void {
  beginWork(turn, { kind: 'disk.work', operationId, work });
  if (work.kind !== 'relocate' || turn.state.diskWork.get(operationId)?.phase !== 'working') return;
  callVmm(turn, { kind: 'disk-cancel', operationId }, { call: 'cancelRelocation', copyPath: work.copyPath });
}

export function noteWorkProgress(turn: HostTurn, copyPath: string, progress: MigrationProgress): void {
  for (const { operationId, work, phase } of turn.state.diskWork.values())
    if (work.kind === 'relocate' && work.copyPath === copyPath && phase === 'working')
      turn.state.progress.set(operationId, progress);
}

export function workEnded(turn: HostTurn, operationId: string, result: Result<DiskWorkResult>): void {
  const known = turn.state.diskWork.get(operationId);
  if (!known) return;
  keepWork(turn, {
    ...known,
    ...(result.ok ? { phase: 'done', result: result.value } : { phase: 'failed', refusal: result.refusal }),
  });
  report(turn);
}

export function forgetWork(turn: HostTurn, operationId: string): void {
  if (turn.state.diskWork.get(operationId)?.phase === 'working') return;
  dropWork(turn, operationId);
  const { forgottenWork } = turn.state;
  for (const [id, until] of forgottenWork) if (until <= turn.now) forgottenWork.delete(id);
  // The order for it may have rung twice, and the second may come late.
  forgottenWork.set(operationId, turn.now + commandDeadlineMs);
  report(turn);
}

/**
 * Work that the agent's death has cut short is forgotten, not begun again: it may not be wanted any more, as on a host that
 * was away for long. What is still wanted is ordered again.
 */
export function wakeWork(turn: HostTurn, work: HostDiskWork): void {
  if (work.phase === 'working') dropWork(turn, work.operationId);
  else turn.state.diskWork.set(work.operationId, work);
}

function keepWork(turn: HostTurn, work: HostDiskWork): void {
  turn.state.diskWork.set(work.operationId, work);
  turn.effects.push({ kind: 'journal', entry: { key: `disk-work/${work.operationId}`, value: work } });
}

function dropWork(turn: HostTurn, operationId: string): void {
  turn.state.diskWork.delete(operationId);
  turn.state.progress.delete(operationId);
  turn.effects.push({ kind: 'journal', entry: { key: `disk-work/${operationId}`, value: null } });
}
