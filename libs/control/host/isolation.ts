import type { IsolationPolicy } from '@argosy/domain/policies';
import type { EndedCopy } from '@argosy/domain/host-report';
import { isolationGraceMs } from '../defaults';
import type { HostState } from '../host-types';
import { destroy } from './guests';
import { copiesOf, type HostTurn, isAlive, isUnderway, migrationOf, report } from './turn';

/** What the pool wants of a host that is cut off. The watchdog hears of it before anything else happens. */
export function takeIsolation(turn: HostTurn, policy: IsolationPolicy): void {
  const { state } = turn;
  state.isolation = policy;
  turn.effects.push({ kind: 'journal', entry: { key: 'isolation', value: { kind: 'isolation', policy } } });
  turn.effects.push({ kind: 'watchdog', policy, incarnation: state.incarnation });
  report(turn);
}

export function outsideHeard(turn: HostTurn): void {
  const { state } = turn;
  state.outsideHeardAt = turn.now;
  if (!state.isolated) return;
  state.isolated = false;
  turn.effects.push({ kind: 'rejoined' });
  report(turn);
}

/**
 * Isolation is declared by the host itself, for nobody else can reach it. Where the pool wants guests stopped, they are,
 * and the datastore is told which: they may then be started elsewhere on this host's own word.
 */
export function watchIsolation(turn: HostTurn): void {
  const { state, now } = turn;
  if (state.isolation === null || state.outsideHeardAt === null) return;
  const { response, isolatedAfterMs } = state.isolation;
  if (now - state.outsideHeardAt < isolatedAfterMs) return;
  state.isolated = true;
  if (response !== 'keep-running') stopEveryGuest(turn, response === 'shut-down' ? isolationGraceMs : 0);
  turn.effects.push({ kind: 'isolated', ended: endedCopies(turn) });
}

/** A guest in a hand-over belongs to neither side alone: its two agents settle that first. */
function stopEveryGuest(turn: HostTurn, graceMs: number): void {
  for (const copy of [...turn.state.guests.values()]) {
    const migration = migrationOf(turn, copy);
    if (!isAlive(copy) || copy.state === 'stopping' || (migration && isUnderway(migration))) continue;
    destroy(turn, copy, graceMs);
  }
}

/** A revoked epoch never starts here again; where nothing of it lives any more, it has ended. */
function endedCopies(turn: HostTurn): readonly EndedCopy[] {
  const { revoked }: HostState = turn.state;
  return [...revoked]
    .filter(([guestId, epoch]) => !copiesOf(turn, guestId).some((copy) => copy.epoch <= epoch && isAlive(copy)))
    .map(([guestId, epoch]) => ({ guestId, epoch }));
}
