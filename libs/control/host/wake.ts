import { refused } from '@argosy/domain/refusal';
import type { HostAssignments } from '@argosy/domain/host-report';
import type { HostGuest, HostMigration, JournalEntry } from '../host-types';
import type { VmmInstance, VmmState } from '../ports/vmm-driver';
import { wakeWork } from './disk-work';
import { destroy } from './guests';
import { releaseSource, runTarget, targetComplete, targetDestroyed } from './handover';
import { outsideHeard, takeIsolation } from './isolation';
import { ranOn } from './migrations';
import { callVmm, copyKey, endOf, findCopy, type HostTurn, keepCopy, keepMigration, report } from './turn';

type Running = ReadonlyMap<string, VmmState>;

/** The journal says what was intended, the list of VMMs what is: where they differ, what is wins, and the rest is carried on. */
export function wake(
  turn: HostTurn,
  journal: readonly JournalEntry[],
  running: readonly { instance: VmmInstance; state: VmmState }[],
): void {
  turn.state.awake = true;
  turn.state.outsideHeardAt = turn.now;
  for (const { value } of journal) {
    if (value?.kind === 'guest') turn.state.guests.set(copyKey(value), value);
    if (value?.kind === 'isolation') turn.state.isolation = value.policy;
    if (value?.kind === 'migration') turn.state.migrations.set(value.migrationId, value);
    if (value?.kind === 'disk-work') wakeWork(turn, value);
  }
  for (const { key, value } of journal) {
    if (value?.kind !== 'mark') continue;
    if (key === 'term') turn.state.term = value.number;
    else turn.state.revoked.set(key.slice('revoked/'.length), value.number);
  }
  const states: Running = new Map(running.map(({ instance, state }) => [copyKey(instance), state]));
  const inMigration = new Set<string>();
  for (const migration of [...turn.state.migrations.values()]) {
    const epoch = migration.role === 'source' ? migration.epoch : migration.targetEpoch;
    const key = copyKey({ guestId: migration.guestId, epoch });
    if (wakeMigration(turn, migration, states.get(key))) inMigration.add(key);
  }
  for (const copy of [...turn.state.guests.values()])
    if (!inMigration.has(copyKey(copy))) wakeCopy(turn, copy, states.get(copyKey(copy)));
  for (const { instance, state } of running)
    if (!turn.state.guests.has(copyKey(instance))) adoptStranger(turn, instance, state);
  report(turn);
}

/** True where the migration accounts for its copy; else the copy is looked at as an ordinary one. */
function wakeMigration(turn: HostTurn, migration: HostMigration, vmm: VmmState | undefined): boolean {
  const gone = vmm === undefined || vmm === 'crashed' || vmm === 'stopped';
  if (migration.role === 'target') return wakeTarget(turn, migration, vmm, gone);
  switch (migration.phase) {
    case 'copying':
    case 'cancelling':
      if (gone) releaseSource(turn, migration, true);
      else if (vmm === 'sent') releaseSource(turn, migration, false);
      else if (vmm !== 'sending') {
        ranOn(
          turn,
          migration,
          refused('migration-failed', 'The copy ended while the agent was away; the guest ran on at the source.')
            .refusal,
        );
        return false;
      }
      return true;
    case 'released':
      if (gone) keepMigration(turn, { ...migration, sourceDead: true });
      return true; // the grant is asked for again at the next tick
    case 'handed-over':
      return true;
    default:
      return false;
  }
}

function wakeTarget(turn: HostTurn, migration: HostMigration, vmm: VmmState | undefined, gone: boolean): boolean {
  if (migration.phase === 'granted') {
    if (vmm === 'received') runTarget(turn, migration);
    return vmm === 'received';
  }
  if (migration.phase === 'destroyed' || migration.phase === 'lost') return false;
  if (gone)
    targetDestroyed(
      turn,
      migration,
      refused('target-lost', 'The VMM of the target ended while its agent was away.').refusal,
    );
  else if (vmm === 'received') targetComplete(turn, migration);
  else if (migration.phase === 'preparing') {
    const copy = findCopy(turn, { guestId: migration.guestId, epoch: migration.targetEpoch });
    targetDestroyed(
      turn,
      migration,
      refused('target-lost', 'The agent of the target ended before its VMM listened.').refusal,
    );
    if (copy) {
      keepCopy(turn, copy);
      destroy(turn, copy, 0);
    }
  }
  return true;
}

function wakeCopy(turn: HostTurn, copy: HostGuest, vmm: VmmState | undefined): void {
  if (copy.state === 'failed' || copy.state === 'crashed' || copy.state === 'stopped') return;
  if (copy.state === 'stopping') return destroy(turn, copy, 0);
  if (vmm === undefined || vmm === 'crashed' || vmm === 'stopped') {
    const refusal = refused('vmm-failed', 'The VMM ended while the agent was away.').refusal;
    return keepCopy(turn, { ...copy, state: endOf(copy, vmm === 'stopped' ? 'stopped' : 'crashed'), refusal });
  }
  const resume = (): void =>
    callVmm(
      turn,
      { kind: 'guest', key: copyKey(copy), call: 'resume' },
      { call: 'resume', instance: { guestId: copy.guestId, epoch: copy.epoch } },
    );
  // A start that was cut short between the opening of the VMM and its first instruction, or a copy taken back from a migration.
  if (copy.state === 'starting' || copy.state === 'released' || copy.state === 'incoming') {
    keepCopy(turn, { ...copy, state: vmm === 'running' ? 'running' : 'paused' });
    if (vmm !== 'running' && copy.state === 'starting') resume();
    return;
  }
  // A guest taken back from a migration whose resume was not carried out stands in `sent`: its journal says that it may run.
  if (vmm === 'sent') return resume();
  keepCopy(turn, { ...copy, state: vmm === 'paused' ? 'paused' : 'running' });
}

/** A VMM of ours that the journal does not know: it is shown to the controller, which decides. It is never killed on a guess. */
function adoptStranger(turn: HostTurn, instance: VmmInstance, vmm: VmmState): void {
  const state =
    vmm === 'running' || vmm === 'sending'
      ? 'running'
      : vmm === 'paused'
        ? 'paused'
        : vmm === 'sent'
          ? 'released'
          : vmm === 'incoming' || vmm === 'received'
            ? 'incoming'
            : 'crashed';
  keepCopy(turn, {
    kind: 'guest',
    guestId: instance.guestId,
    epoch: instance.epoch,
    guest: null,
    state,
    refusal: null,
  });
}

/** The controller's word on what this host holds: copies of an older epoch than the assigned one are destroyed. */
export function assign(turn: HostTurn, assignments: HostAssignments): void {
  turn.state.hostId = assignments.hostId;
  turn.state.incarnation = assignments.incarnation;
  turn.state.sequence = 0;
  turn.state.beats = 0;
  turn.state.told = null;
  if (assignments.term > turn.state.term) turn.state.term = assignments.term;
  turn.state.assigned = true;
  outsideHeard(turn);
  takeIsolation(turn, assignments.isolation);
  const inMigration = new Set(assignments.migrations.map((migration) => migration.guestId));
  for (const { guestId, epoch } of assignments.guests) {
    if (inMigration.has(guestId)) continue;
    for (const copy of [...turn.state.guests.values()])
      if (copy.guestId === guestId && copy.epoch < epoch) destroy(turn, copy, 0);
  }
  report(turn);
}
