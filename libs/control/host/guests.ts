import type { ProcessorLimits } from '@argosy/domain/guest-specification';
import type { OrderOf } from '@argosy/domain/host-command';
import { refused } from '@argosy/domain/refusal';
import type { Refusal, RefusalCode, Result } from '@argosy/domain/refusal';
import type { HostGuest, PendingCall } from '../host-types';
import type { VmmCommand, VmmInstance } from '../ports/vmm-driver';
import {
  callVmm,
  copiesOf,
  copyKey,
  dropCopy,
  findCopy,
  type HostTurn,
  isAlive,
  isCalling,
  keepCopy,
  migrationOf,
  report,
  revoke,
} from './turn';

/** A start is refused for an epoch that was revoked, or when a later copy is here; asked again, it changes nothing. */
export function startGuest(turn: HostTurn, order: OrderOf<'guest.start'>): Refusal | null {
  const { guest, epoch } = order;
  const revoked = turn.state.revoked.get(guest.guestId) ?? 0;
  const latest = Math.max(revoked, ...copiesOf(turn, guest.guestId).map((copy) => copy.epoch));
  if (epoch <= revoked || epoch < latest)
    return refused(
      'stale-epoch',
      `Guest ${guest.name} has been at epoch ${latest} here; epoch ${epoch} does not start any more.`,
      { guestId: guest.guestId, epoch },
    ).refusal;
  if (findCopy(turn, { guestId: guest.guestId, epoch })) return null;
  const refusal = roomRefusal(turn, order);
  const state = refusal ? 'failed' : 'starting';
  keepCopy(turn, { kind: 'guest', guestId: guest.guestId, epoch, guest, state, refusal });
  startWhenClear(turn, guest.guestId);
  report(turn);
  return null;
}

/**
 * The host's own look at what its memory is promised to. The controller counts too, but by reports: what an order that was long on
 * its way has opened here since, or a leader before this one has, only the host knows.
 */
export function roomRefusal(
  turn: HostTurn,
  { guest, hostMemoryMiB }: OrderOf<'guest.start' | 'migration.prepare'>,
): Refusal | null {
  const taken = new Map<string, number>();
  for (const copy of turn.state.guests.values())
    if (copy.guestId !== guest.guestId && isAlive(copy))
      taken.set(copy.guestId, Math.max(taken.get(copy.guestId) ?? 0, copy.guest?.memoryMiB ?? 0));
  const takenMiB = [...taken.values()].reduce((sum, each) => sum + each, 0);
  if (takenMiB + guest.memoryMiB <= hostMemoryMiB) return null;
  return refused(
    'not-enough-memory',
    `${guest.name} needs ${guest.memoryMiB} MiB, and of the ${hostMemoryMiB} MiB that this host may promise ${takenMiB} are taken.`,
    { guestId: guest.guestId, takenMiB },
  ).refusal;
}

/** Older copies are destroyed before the new one starts: the disk's lock would refuse it, and rightly. */
function startWhenClear(turn: HostTurn, guestId: string): void {
  const waiting = copiesOf(turn, guestId).find((copy) => copy.state === 'starting');
  if (!waiting?.guest) return;
  const older = copiesOf(turn, guestId).filter((copy) => copy.epoch < waiting.epoch);
  for (const copy of older) destroy(turn, copy, 0);
  if (older.length > 0) return;
  const key = copyKey(waiting);
  if (isCalling(turn, (pending) => pending.kind === 'guest' && pending.key === key && pending.call === 'start')) return;
  callVmm(turn, { kind: 'guest', key, call: 'start' }, { call: 'start', guest: waiting.guest, epoch: waiting.epoch });
}

/** Stops this epoch and every older copy, and never runs them again. */
export function stopGuest(turn: HostTurn, guestId: string, epoch: number, graceMs: number): void {
  revoke(turn, guestId, epoch);
  for (const copy of copiesOf(turn, guestId)) if (copy.epoch <= epoch) destroy(turn, copy, graceMs);
  report(turn);
}

/**
 * A live copy is stopped and forgotten when its VMM is gone. A dead one keeps its state meanwhile: its process is gone,
 * and what it left (sockets, limits) is the driver's to clear away. A forced stop overtakes one that waits for the guest.
 */
export function destroy(turn: HostTurn, copy: HostGuest, graceMs: number): void {
  const key = copyKey(copy);
  revoke(turn, copy.guestId, copy.epoch);
  const alive = isAlive(copy);
  const stopping = isCalling(
    turn,
    (pending) => pending.kind === 'guest' && pending.key === key && pending.call === 'stop',
  );
  if (stopping && (graceMs > 0 || !alive)) return;
  if (alive && copy.state !== 'stopping') keepCopy(turn, { ...copy, state: 'stopping' });
  callVmm(
    turn,
    { kind: 'guest', key, call: 'stop' },
    { call: 'stop', instance: instanceOf(copy), graceMs: alive ? graceMs : 0 },
  );
}

function instanceOf(copy: HostGuest): VmmInstance {
  return { guestId: copy.guestId, epoch: copy.epoch };
}

/** pause, resume and limit: asked of a copy that is here at this epoch. */
export function orderCopy(turn: HostTurn, instance: VmmInstance, command: VmmCommand): Refusal | null {
  const copy = findCopy(turn, instance);
  if (!copy || (copy.state !== 'running' && copy.state !== 'paused'))
    return refused('guest-not-here', `Guest ${instance.guestId} does not run here at epoch ${instance.epoch}.`).refusal;
  const { call } = command;
  callVmm(
    turn,
    { kind: 'guest', key: copyKey(instance), call, ...(call === 'limit' ? { limits: command } : {}) },
    command,
  );
  return null;
}

/** null: nobody here knows, for the journal that knew is gone. */
export function limitsOf({ limits, guest }: HostGuest): ProcessorLimits | null {
  return limits ?? guest;
}

export function guestCallEnded(
  turn: HostTurn,
  { key, call, limits }: Extract<PendingCall, { kind: 'guest' }>,
  result: Result<unknown>,
): void {
  const copy = turn.state.guests.get(key);
  if (!copy) {
    // Its end was told before its stop was answered, as a handed-over source's is: what waited for it may start now.
    if (call === 'stop') startWhenClear(turn, key.slice(0, key.lastIndexOf(':')));
    return;
  }
  if (call === 'stop') return stopEnded(turn, copy, result);
  if (call === 'start') return startEnded(turn, copy, result);
  if (!result.ok) callRefused(turn, copy, call, result.refusal);
  else if (limits)
    keepCopy(turn, { ...copy, limits: { cpuShares: limits.cpuShares, cpuLimitMillicores: limits.cpuLimitMillicores } });
  else if (call === 'pause' && copy.state === 'running') keepCopy(turn, { ...copy, state: 'paused' });
  // One with a refusal ran, and its VMM has stopped it again.
  else if (call === 'resume' && copy.state === 'paused' && copy.refusal === null)
    keepCopy(turn, { ...copy, state: 'running' });
  report(turn);
}

/** What another try may overcome. */
const passing = new Set<RefusalCode>(['image-locked', 'vmm-timeout', 'disk-full']);

/** A guest that was taken back from a migration and cannot be run, as after post-copy had begun, is lost. */
function callRefused(turn: HostTurn, copy: HostGuest, call: VmmCommand['call'], refusal: Refusal): void {
  const takenBack = migrationOf(turn, copy)?.phase === 'ran-on';
  const lost = call === 'resume' && takenBack && copy.state === 'paused' && !passing.has(refusal.code);
  keepCopy(turn, { ...copy, state: lost ? 'crashed' : copy.state, refusal });
}

function startEnded(turn: HostTurn, copy: HostGuest, result: Result<unknown>): void {
  // A stop that came meanwhile has its own call under way; a crash was told by its own event.
  if (copy.state !== 'starting') return;
  keepCopy(
    turn,
    result.ok ? { ...copy, state: 'running', refusal: null } : { ...copy, state: 'failed', refusal: result.refusal },
  );
  report(turn);
}

function stopEnded(turn: HostTurn, copy: HostGuest, result: Result<unknown>): void {
  if (result.ok) {
    dropCopy(turn, copy);
    startWhenClear(turn, copy.guestId);
  } else keepCopy(turn, { ...copy, refusal: result.refusal });
  report(turn);
}
