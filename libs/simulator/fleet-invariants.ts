import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import type { FleetRecord, Guest, Migration } from '@argosy/domain/entities';
import type { GuestState } from '@argosy/domain/lifecycle';
import { migrationTransitions, taskTransitions } from '@argosy/domain/lifecycle';
import type { Instant } from '@argosy/domain/units';
import { Picture, type Purpose } from './constraints';
import { Downtime, type Means } from './downtime';
import type { ModelSite } from './model-machine';
import type { ModelStore } from './model-store';
import { Orders } from './orders';
import type { HostTraces } from './wanted-orders';

/** In a fleet that nothing ails, a task that was begun has ended by then, whatever came of it. */
const taskAtMostMs = 120_000;

/** What must hold of a fleet over time: that it does what is wanted, and does not undo what it has just done. */
export class FleetInvariants {
  readonly orders: Orders;
  private readonly downtime: Downtime;
  private readonly taskSince = new Map<string, Instant>();
  private readonly states = new Map<string, GuestState>();
  /** Starts under a disk's lock: by guest, the host and the epoch of the last one. */
  private readonly attempts = new Map<string, string>();
  private readonly seenMoves = new Set<string>();
  private readonly lastMoves = new Map<string, { readonly move: Migration; readonly at: Instant }>();

  constructor(
    private readonly site: ModelSite,
    private readonly store: ModelStore,
    means: Means & HostTraces,
    private readonly fail: (message: string) => void,
  ) {
    this.downtime = new Downtime(site, store, means, fail);
    this.orders = new Orders(site, store, means, fail);
  }

  sawWrite(write: FleetWrite): void {
    if (write.kind === 'record' && write.record.code === 'take-over-tried') this.sawAttempt(write.record);
    if (write.kind !== 'put') return;
    if (write.entity === 'guest') this.sawGuest(write.row);
    else if (write.entity === 'migration') this.sawMove(write.row);
  }

  /** A start is decided when its guest becomes `starting`; without a host, one that is seen somewhere is only put on record. */
  private sawGuest(guest: Guest): void {
    const before = this.states.get(guest.id);
    this.states.set(guest.id, guest.state);
    if (guest.state !== 'starting' || before === 'starting' || guest.hostId === null) return;
    // What was begun under its disk's lock was judged when it was sent, and is only put on record now.
    if (this.attempts.get(guest.id) === attemptOf(guest.hostId, guest.epoch)) return;
    this.judge(guest, guest.hostId, before === 'recovering' ? 'restart' : 'start');
  }

  private sawAttempt({ subjectId, details }: FleetRecord): void {
    const guest = this.store.rows.guest.get(subjectId)!;
    const { hostId, epoch } = details as { hostId: string; epoch: number };
    this.attempts.set(guest.id, attemptOf(hostId, epoch));
    this.judge(guest, hostId, 'restart');
  }

  private judge(guest: Guest, hostId: string, purpose: Purpose): void {
    const host = this.store.rows.host.get(hostId);
    const fault = host ? new Picture(this.store.rows).whyNot(guest, host, purpose) : 'which is not there';
    if (fault !== null) this.fail(`a ${purpose} sends ${guest.name} to ${host?.name ?? hostId}, ${fault}`);
  }

  private sawMove(move: Migration): void {
    // One that came to nothing has moved nobody.
    const hasFailed = migrationTransitions[move.step].length === 0 && move.step !== 'done';
    if (hasFailed && this.lastMoves.get(move.guestId)?.move.id === move.id) this.lastMoves.delete(move.guestId);
    if (this.seenMoves.has(move.id)) return;
    this.seenMoves.add(move.id);
    const guest = this.store.rows.guest.get(move.guestId)!;
    const datastoreId = move.targetDatastoreId ?? guest.datastoreId;
    if (move.targetHostId !== move.sourceHostId) this.judge({ ...guest, datastoreId }, move.targetHostId, 'move');
    const last = this.lastMoves.get(move.guestId);
    this.lastMoves.delete(move.guestId);
    if (move.requestedBy !== 'argosy' || !this.isFree(move)) return;
    const { now } = this.site.clock;
    const { coolDownMs } = this.store.rows.pool.get(guest.poolId)!.balance;
    const isUndone = last?.move.sourceHostId === move.targetHostId && last.move.targetHostId === move.sourceHostId;
    if (last && isUndone && now - last.at < coolDownMs)
      this.fail(`${this.nameOf(move.guestId)} is moved back ${now - last.at} ms after it was moved, for no new reason`);
    this.lastMoves.set(move.guestId, { move, at: now });
  }

  /** Asked each second. `isCalm`: nothing keeps the fleet from doing what is wanted. */
  pass(isCalm: boolean): void {
    this.downtime.pass();
    this.orders.pass(isCalm);
    const { now } = this.site.clock;
    for (const task of this.store.rows.task.values()) {
      const isOver = taskTransitions[task.state].length === 0;
      if (!isCalm || isOver || this.waitsForRoom(task.subjectId)) this.taskSince.delete(task.id);
      else if (!this.taskSince.has(task.id)) this.taskSince.set(task.id, now);
      else if (now - this.taskSince.get(task.id)! > taskAtMostMs)
        this.fail(`task ${task.name} of ${this.nameOf(task.subjectId)} has not ended for two minutes`);
    }
  }

  /** A guest that no host takes: what was asked of it stays asked. */
  private waitsForRoom(guestId: string): boolean {
    const { guest: guests, host: hosts } = this.store.rows;
    const guest = guests.get(guestId);
    if (!guest || guest.hostId !== null || guest.desired !== 'running') return false;
    const picture = new Picture(this.store.rows);
    const purpose = guest.state === 'recovering' ? 'restart' : 'start';
    return [...hosts.values()].every((host) => picture.whyNot(guest, host, purpose) !== null);
  }

  /** Somebody, or an alarm, says why it is as it is. */
  isExplained(guestId: string): boolean {
    const guest = this.store.rows.guest.get(guestId);
    return [...this.store.rows.alarm.values()].some(
      (alarm) => alarm.clearedAt === null && [guestId, guest?.hostId, guest?.poolId].includes(alarm.subjectId),
    );
  }

  /** Nobody has to leave the host. */
  private isFree({ sourceHostId }: Migration): boolean {
    const host = this.store.rows.host.get(sourceHostId);
    return host?.maintenance === 'none' && host.standby === 'none' && host.degraded === null;
  }

  private nameOf(id: string): string {
    return this.store.rows.guest.get(id)?.name ?? this.store.rows.host.get(id)?.name ?? id;
  }
}

function attemptOf(hostId: string, epoch: number): string {
  return `${hostId}@${epoch}`;
}
