import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalProcess, threadTimes } from '../process-table';
import type { ProcessName } from '../process-table';

export interface LimitedProcess {
  readonly key: string;
  readonly process: ProcessName;
  /** The threads that run the guest's processors. */
  readonly threadIds: readonly number[];
}

export interface ProcessorLimit {
  readonly cpuShares: number;
  readonly cpuLimitMillicores: number | null;
}

/** How a guest's part of the host's processors is kept. */
export interface ProcessorLimits {
  readonly mechanism: string;
  readonly reason: string;
  apply(target: LimitedProcess, limit: ProcessorLimit): void;
  /** While a guest is being moved nothing may hold its VMM up. */
  suspend(key: string, isMoving: boolean): void;
  release(key: string): void;
  /** Lets go of all, as at the end of an agent: nobody is left stopped. */
  detach(): void;
}

export function processorLimits(group: string | null): ProcessorLimits {
  if (group !== null && existsSync(join(group, 'cpu.cfs_quota_us'))) return new ControlGroups(group, 1);
  if (group !== null && existsSync(join(group, 'cpu.weight'))) return new ControlGroups(group, 2);
  return new DutyCycle();
}

/** Short, because a guest that has used up its part stands still until the next period. */
const periodMicroseconds = 20_000;
/** The kernel refuses a smaller quota. */
const leastQuotaMicroseconds = 1000;

/**
 * A group for each guest below the chassis'. In version 1 only the threads of the guest's own processors go there: QEMU's
 * main loop and the copy of a migration then never wait behind a busy guest, which would lengthen a hand-over by a period.
 * Version 2 takes whole processes.
 */
class ControlGroups implements ProcessorLimits {
  readonly mechanism: string;
  readonly reason: string;

  constructor(
    private readonly group: string,
    private readonly version: 1 | 2,
  ) {
    this.mechanism = `cgroup-v${version}`;
    this.reason = `a group for each guest below ${group}, by cpu.${version === 1 ? 'cfs_quota_us and cpu.shares' : 'max and cpu.weight'}`;
  }

  apply(target: LimitedProcess, limit: ProcessorLimit): void {
    const folder = this.folderOf(target.key);
    mkdirSync(folder, { recursive: true });
    if (this.version === 1) this.applyVersion1(folder, target, limit);
    else this.applyVersion2(folder, target, limit);
  }

  suspend(): void {
    // Nothing holds the copy up: see above.
  }

  release(key: string): void {
    try {
      rmdirSync(this.folderOf(key));
    } catch {
      // The kernel keeps a group for a moment after its last thread; the chassis' end removes what is left.
    }
  }

  detach(): void {
    // The kernel keeps the limits.
  }

  private folderOf(key: string): string {
    return join(this.group, `guest-${encodeURIComponent(key)}`);
  }

  private applyVersion1(folder: string, target: LimitedProcess, limit: ProcessorLimit): void {
    const write = (file: string, value: number) => writeFileSync(join(folder, file), String(value));
    write('cpu.shares', Math.min(262_144, Math.max(2, limit.cpuShares)));
    write('cpu.cfs_period_us', periodMicroseconds);
    write('cpu.cfs_quota_us', this.quota(limit.cpuLimitMillicores) ?? -1);
    for (const threadId of target.threadIds) write('tasks', threadId);
  }

  private applyVersion2(folder: string, target: LimitedProcess, limit: ProcessorLimit): void {
    const shares = Math.min(262_144, Math.max(2, limit.cpuShares));
    // The kernel's own translation of version 1's shares (2 … 262144) to weights (1 … 10000).
    writeFileSync(join(folder, 'cpu.weight'), String(1 + Math.floor(((shares - 2) * 9999) / 262_142)));
    const quota = this.quota(limit.cpuLimitMillicores);
    writeFileSync(join(folder, 'cpu.max'), `${quota ?? 'max'} ${periodMicroseconds}`);
    writeFileSync(join(folder, 'cgroup.procs'), String(target.process.pid));
  }

  private quota(limitMillicores: number | null): number | null {
    if (limitMillicores === null) return null;
    const wanted = Math.max(leastQuotaMicroseconds, Math.round((periodMicroseconds * limitMillicores) / 1000));
    // Version 1 refuses a larger part than the group above has.
    return this.version === 1 ? Math.min(wanted, this.chassisQuota()) : wanted;
  }

  private chassisQuota(): number {
    const read = (file: string) => Number(readFileSync(join(this.group, file), 'utf8'));
    const quota = read('cpu.cfs_quota_us');
    return quota < 0 ? Infinity : Math.floor((quota * periodMicroseconds) / read('cpu.cfs_period_us'));
  }
}

interface DutyMember {
  readonly target: LimitedProcess;
  readonly limitMillicores: number;
  usedMs: number;
  /** What it may still use; below nothing it is stopped until it has earned that back. */
  creditMs: number;
  isStopped: boolean;
  isMoving: boolean;
}

const lookEveryMs = 10;
const mostCreditMs = 20;
/** If we look late, a guest has overdrawn by much: it is never stopped for longer than it takes to earn this back. */
const mostDebtMs = 60;

/**
 * Without control groups: SIGSTOP and SIGCONT by what the guest's processors really used. Not QMP's stop and cont, though those
 * are kinder to the guest's clock: a `cont` at the wrong time sets a second copy of a guest running, and SIGCONT cannot. Shares
 * are left to the kernel's scheduler, which treats all guests alike.
 */
class DutyCycle implements ProcessorLimits {
  readonly mechanism = 'duty-cycle';
  readonly reason = 'no cgroup with a cpu controller was given: limits stop and continue the VMM; shares are not kept';
  private readonly members = new Map<string, DutyMember>();
  private timer: NodeJS.Timeout | null = null;
  private lookedAtMs = 0;

  apply(target: LimitedProcess, { cpuLimitMillicores }: ProcessorLimit): void {
    this.release(target.key);
    if (cpuLimitMillicores === null || cpuLimitMillicores >= target.threadIds.length * 1000) return;
    const usedMs = this.usedBy(target);
    const limitMillicores = Math.max(1, cpuLimitMillicores);
    this.members.set(target.key, { target, limitMillicores, usedMs, creditMs: 0, isStopped: false, isMoving: false });
    if (this.timer) return;
    this.lookedAtMs = performance.now();
    this.timer = setInterval(() => this.look(), lookEveryMs);
    this.timer.unref();
  }

  suspend(key: string, isMoving: boolean): void {
    const member = this.members.get(key);
    if (!member) return;
    member.isMoving = isMoving;
    if (isMoving) this.letRun(member);
    member.usedMs = this.usedBy(member.target);
  }

  release(key: string): void {
    const member = this.members.get(key);
    if (member) this.letRun(member);
    this.members.delete(key);
    if (this.members.size > 0 || !this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  detach(): void {
    for (const key of [...this.members.keys()]) this.release(key);
  }

  private look(): void {
    const now = performance.now();
    const elapsedMs = now - this.lookedAtMs;
    this.lookedAtMs = now;
    for (const member of this.members.values()) this.charge(member, elapsedMs);
  }

  private charge(member: DutyMember, elapsedMs: number): void {
    if (member.isMoving) return;
    const usedMs = this.usedBy(member.target);
    const earnedMs = (elapsedMs * member.limitMillicores) / 1000;
    const creditMs = member.creditMs + earnedMs - (usedMs - member.usedMs);
    member.creditMs = Math.max(-mostDebtMs, Math.min(mostCreditMs, creditMs));
    member.usedMs = usedMs;
    if (member.creditMs >= 0) this.letRun(member);
    else if (!member.isStopped) member.isStopped = signalProcess(member.target.process, 'SIGSTOP');
  }

  private letRun(member: DutyMember): void {
    if (member.isStopped) signalProcess(member.target.process, 'SIGCONT');
    member.isStopped = false;
  }

  private usedBy(target: LimitedProcess): number {
    return threadTimes(target.process.pid, target.threadIds).runMs;
  }
}
