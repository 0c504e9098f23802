import { sourceOf } from '@argosy/domain/disk-work';
import type { Guest, Host } from '@argosy/domain/entities';
import { migrationTransitions } from '@argosy/domain/lifecycle';
import type { Instant } from '@argosy/domain/units';
import { Picture } from './constraints';
import type { ModelSite } from './model-machine';
import type { ModelStore } from './model-store';

/** A guest that should run is down no longer than this in time in which it could have been brought back. */
const budgetMs = 60_000;
/** What was begun is begun anew when something comes between: so much of the time that was used is given back. */
const interruptionMs = 15_000;
/** Hosts whose silence began within this of each other fell silent together. */
const togetherMs = 3_000;

/** What there is of the world to bring a guest back with. */
export interface Means {
  /** Who leads, with nothing between it and store, queue and datastore; null: nobody. */
  leader(): string | null;
  /** Its power is on, its agent answers, and nothing is cut off. */
  isAtWork(hostName: string): boolean;
  /** Nothing of it is heard. */
  isSilent(hostName: string): boolean;
  /** It is off, and its fence device says so. */
  isProvedOff(hostName: string): boolean;
}

interface Count {
  usedMs: number;
  wasPossible: boolean;
  leader: string | null;
}

/**
 * How long guests are down that should run. Only time counts in which this could be mended: somebody leads and reaches what it needs,
 * what became of the old copy can be known, and some host takes the guest. Whatever Argosy says of it is no excuse.
 */
export class Downtime {
  private readonly counts = new Map<string, Count>();
  private readonly silentSince = new Map<string, Instant>();
  private askedAt: Instant = 0;

  constructor(
    private readonly site: ModelSite,
    private readonly store: ModelStore,
    private readonly means: Means,
    private readonly fail: (message: string) => void,
  ) {}

  pass(): void {
    const { now } = this.site.clock;
    const sinceMs = now - this.askedAt;
    this.askedAt = now;
    this.noteSilence();
    const leader = this.means.leader();
    let picture: Picture | null = null;
    for (const guest of this.store.rows.guest.values()) {
      if (!this.isDown(guest)) {
        this.counts.delete(guest.id);
        continue;
      }
      const count = this.counts.get(guest.id) ?? { usedMs: 0, wasPossible: false, leader };
      this.counts.set(guest.id, count);
      const isPossible = leader !== null && this.mayReturn(guest, (picture ??= new Picture(this.store.rows)));
      if (count.wasPossible && (!isPossible || leader !== count.leader))
        count.usedMs = Math.max(0, count.usedMs - interruptionMs);
      if (isPossible) count.usedMs += sinceMs;
      Object.assign(count, { wasPossible: isPossible, leader });
      if (count.usedMs > budgetMs) this.tell(guest, count);
    }
  }

  private tell(guest: Guest, count: Count): void {
    count.usedMs = -Infinity;
    this.fail(`${guest.name} is ${guest.state} for longer than its minute, though it could run`);
  }

  private isDown({ id, desired, state, isTemplate }: Guest): boolean {
    if (desired !== 'running' || isTemplate || state === 'cloning' || state === 'failed') return false;
    for (const instance of this.site.instances())
      if (instance.id.guestId === id && (instance.executes() || instance.frozen)) return false;
    return true;
  }

  private mayReturn(guest: Guest, picture: Picture): boolean {
    const { host: hosts, pool } = this.store.rows;
    if (this.isHeld(guest) || this.isBusy(guest)) return false;
    const places = this.placesOf(guest);
    if (!places.every((host) => this.isKnown(host))) return false;
    if (places.length > 0 && places.every((host) => this.takesOrders(host))) return true;
    if (pool.get(guest.poolId)?.balance.automation === 'manual') return false;
    const purpose = guest.state === 'recovering' ? 'restart' : 'start';
    for (const host of hosts.values())
      if (this.takesOrders(host) && picture.whyNot(guest, host, purpose) === null) return true;
    return false;
  }

  /** Its pool's policy has it wait: for its next try, for those of higher priority, or since too many were restarted lately. */
  private isHeld({ poolId, state, restartPriority, retryAt }: Guest): boolean {
    const failure = this.store.rows.pool.get(poolId)!.failure;
    const { now } = this.site.clock;
    if (failure.restartReady !== 'placed' || (retryAt ?? 0) > now) return true;
    if (state !== 'recovering') return false;
    const restarts = [...this.store.rows.guest.values()].flatMap((each) =>
      each.poolId === poolId ? each.restarts : [],
    );
    const lately = restarts.filter((at) => now - at < failure.budgetWindowMs).length;
    return restartPriority === 'disabled' || lately >= failure.poolRestarts;
  }

  /** Its files are worked on, or are read for another guest. */
  private isBusy({ id }: Guest): boolean {
    const operations = [...this.store.rows.diskOperation.values()];
    return operations.some(({ guestId, work }) => guestId === id || sourceOf(work) === id);
  }

  /** Where the record has it, and where it is on its way to. */
  private placesOf({ id, hostId }: Guest): Host[] {
    const ids = new Set([hostId]);
    for (const { guestId, targetHostId, step } of this.store.rows.migration.values())
      if (guestId === id && migrationTransitions[step].length > 0) ids.add(targetHostId);
    return [...ids].flatMap((each) => this.store.rows.host.get(each ?? '') ?? []);
  }

  private takesOrders({ name, state }: Host): boolean {
    return state === 'online' && this.means.isAtWork(name);
  }

  /** What runs there can be learned: its agent tells, or that it is off can be proved. */
  private isKnown(host: Host): boolean {
    if (this.means.isAtWork(host.name)) return true;
    if (host.state === 'fenced' || host.state === 'offline') return true;
    return host.fenceDevices.length > 0 && this.means.isProvedOff(host.name) && !this.areTooManySilent(host);
  }

  /** Hosts that fall silent together are not fenced, by the pool's policy; those of one failure domain count once. */
  private areTooManySilent({ name, poolId }: Host): boolean {
    const since = this.silentSince.get(name) ?? 0;
    const domains = new Set<string>();
    let isAnyHeard = false;
    for (const host of this.store.rows.host.values()) {
      const silentSince = this.silentSince.get(host.name);
      if (host.poolId !== poolId || host.standby !== 'none') continue;
      if (silentSince === undefined) isAnyHeard = true;
      else if ((host.state !== 'fenced' && host.state !== 'offline') || Math.abs(silentSince - since) <= togetherMs)
        domains.add(host.failureDomain ?? host.name);
    }
    return !isAnyHeard || domains.size > (this.store.rows.pool.get(poolId)?.failure.maximumSilentHosts ?? 1);
  }

  private noteSilence(): void {
    for (const { name } of this.store.rows.host.values())
      if (!this.means.isSilent(name)) this.silentSince.delete(name);
      else if (!this.silentSince.has(name)) this.silentSince.set(name, this.site.clock.now);
  }
}
