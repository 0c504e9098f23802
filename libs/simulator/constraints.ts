import { type Guest, type Host, machineParts, type Pool, type Rule } from '@argosy/domain/entities';
import { migrationTransitions } from '@argosy/domain/lifecycle';
import type { ModelStore } from './model-store';

/** Who asks for a host, as far as it makes a difference to what the host owes. */
export type Purpose = 'start' | 'restart' | 'move';

interface Where {
  /** Where it is to be, and where it still is. */
  readonly at: string;
  readonly leaving: string | null;
}

type Rows = ModelStore['rows'];

/**
 * Who is where by the record, and what the record then says against a guest on a host. It is written from what is promised of
 * rules, hosts and room, and shares nothing with the scheduler's checks: those are to be proved by it.
 */
export class Picture {
  private readonly places = new Map<string, Where>();

  constructor(private readonly rows: Rows) {
    const targets = new Map<string, string>();
    // What is left of one that is committed says nothing of where the guest is: it may have been stopped since.
    for (const { step, guestId, targetHostId } of rows.migration.values())
      if (step !== 'release' && migrationTransitions[step].length > 0) targets.set(guestId, targetHostId);
    for (const { id, hostId } of rows.guest.values()) {
      const target = targets.get(id);
      if (target !== undefined) this.places.set(id, { at: target, leaving: hostId });
      else if (hostId !== null) this.places.set(id, { at: hostId, leaving: null });
    }
  }

  /** null: nothing. */
  whyNot(guest: Guest, host: Host, purpose: Purpose): string | null {
    const pool = this.rows.pool.get(guest.poolId)!;
    return (
      this.useFault(guest, host, purpose) ??
      this.platformFault(guest, host, purpose) ??
      this.roomFault(guest, host, pool) ??
      this.ruleFault(guest, host, purpose)
    );
  }

  private useFault(guest: Guest, host: Host, purpose: Purpose): string | null {
    if (host.poolId !== guest.poolId) return 'which is of another pool';
    if (host.state !== 'online') return `which is ${host.state}`;
    if (host.maintenance !== 'none') return `whose maintenance is ${host.maintenance}`;
    if (host.standby !== 'none') return `whose standby is ${host.standby}`;
    if (host.degraded !== null) return 'which is degraded';
    if (host.quarantined) return 'which is in quarantine';
    const isForFailover = purpose === 'restart' || (purpose === 'move' && this.restartsWait(guest.poolId));
    return host.failoverOnly && !isForFailover ? 'which is kept for failover' : null;
  }

  /** Then others may make way, and to a host that is kept for this. */
  private restartsWait(ofPool: string): boolean {
    for (const { poolId, state } of this.rows.guest.values())
      if (poolId === ofPool && state === 'recovering') return true;
    return false;
  }

  private platformFault(guest: Guest, host: Host, purpose: Purpose): string | null {
    const image = this.rows.image.get(guest.imageId);
    for (const id of [guest.datastoreId, image?.datastoreId]) {
      const owner = this.rows.datastore.get(id ?? '')?.hostId ?? null;
      if (owner !== null && owner !== host.id) return `which does not reach ${id}`;
    }
    const here = host.capabilities;
    if (here === null) return null;
    if (image && !here.guestArchitectures.includes(image.architecture)) return `which runs no ${image.architecture}`;
    const running = purpose === 'move' ? (this.rows.host.get(guest.hostId ?? '')?.capabilities ?? null) : null;
    const kept = purpose !== 'move' && guest.memoryPath !== null ? guest.memoryMachine : null;
    const wanted = running ?? kept;
    return wanted !== null && machineParts.some((part) => wanted[part] !== here[part]) ? 'another machine' : null;
  }

  private roomFault(guest: Guest, host: Host, { balance }: Pool): string | null {
    const all = [guest, ...this.others(guest, host.id)];
    const sum = (of: (each: Guest) => number): number => all.reduce((total, each) => total + of(each), 0);
    const { memoryMiB, cpuMillicores } = host.capacity;
    if (sum((each) => each.memoryMiB) > Math.floor(memoryMiB * balance.memoryRatio)) return 'without memory for it';
    if (guest.cpuReservationMillicores > 0 && sum((each) => each.cpuReservationMillicores) > cpuMillicores)
      return 'without processors for its reservation';
    const vcpus = Math.max(1, Math.floor((cpuMillicores / 1000) * balance.vcpuRatio));
    return balance.vcpuRatio > 0 && sum((each) => each.vcpus) > vcpus ? 'against the ratio of processors' : null;
  }

  /** The other guests that are there, are on their way there or have not left yet. */
  private *others(guest: Guest, hostId: string): IterableIterator<Guest> {
    for (const [id, { at, leaving }] of this.places)
      if (id !== guest.id && (at === hostId || leaving === hostId)) yield this.rows.guest.get(id)!;
  }

  private ruleFault(guest: Guest, host: Host, purpose: Purpose): string | null {
    for (const rule of this.rows.rule.values())
      if (rule.guestIds.includes(guest.id) && this.isBroken(rule, guest, host, purpose))
        return `against rule ${rule.name}`;
    return null;
  }

  private isBroken(rule: Rule, guest: Guest, host: Host, purpose: Purpose): boolean {
    switch (rule.kind) {
      case 'apart':
        return this.partners(rule, guest).some(({ at, leaving }) => at === host.id || leaving === host.id);
      case 'must-run-on':
        return !rule.hostIds.includes(host.id);
      case 'must-not-run-on':
        return rule.hostIds.includes(host.id);
      case 'spread':
        return this.crowds(rule, guest, host, purpose);
      case 'together':
        return this.parts(rule, guest, host, purpose);
      case 'near':
      case 'should-run-on':
      case 'should-not-run-on':
        return false;
    }
  }

  private partners(rule: Rule, guest: Guest): Where[] {
    return rule.guestIds.flatMap((id) => (id === guest.id ? [] : (this.places.get(id) ?? [])));
  }

  private domainOf(hostId: string | null): string {
    return this.rows.host.get(hostId ?? '')?.failureDomain ?? `host ${hostId}`;
  }

  /** More of them in one failure domain than have to be, were they all running. */
  private crowds(rule: Rule, guest: Guest, host: Host, purpose: Purpose): boolean {
    // Where others make way, they may go to a host that is kept for failover; no domain is owed for its sake.
    const isOpen = (each: Host): boolean =>
      this.useFault(guest, each, purpose) === null && (purpose === 'restart' || !each.failoverOnly);
    const open = new Set([...this.rows.host.values()].filter(isOpen).map(({ id }) => this.domainOf(id)));
    const domain = this.domainOf(host.id);
    const there = this.partners(rule, guest).filter(
      ({ at, leaving }) => this.domainOf(at) === domain || (leaving !== null && this.domainOf(leaving) === domain),
    );
    return there.length + 1 > Math.ceil(rule.guestIds.length / Math.max(1, open.size));
  }

  /** Away from the others, unless these have to leave where they are. A group that is apart already may come together elsewhere. */
  private parts(rule: Rule, guest: Guest, host: Host, purpose: Purpose): boolean {
    const stays = ({ at }: Where): boolean => {
      const there = this.rows.host.get(at);
      return there?.maintenance === 'none' && there.standby === 'none' && there.degraded === null;
    };
    const others = this.partners(rule, guest).filter(stays);
    if (others.length === 0 || others.some(({ at }) => at === host.id)) return false;
    return purpose !== 'move' || others.every(({ at }) => at === guest.hostId);
  }
}

/** What is wrong with where a guest has begun to run, as the machines are and whatever the record says. null: nothing. */
export function arrivalFault(rows: Rows, guestId: string, hostName: string, here: readonly string[]): string | null {
  const guest = rows.guest.get(guestId);
  const host = [...rows.host.values()].find(({ name }) => name === hostName);
  if (!guest || !host) return null;
  if (host.poolId !== guest.poolId) return 'which is of another pool';
  const running = here.flatMap((id) => rows.guest.get(id) ?? []);
  const reserved = running.reduce((sum, each) => sum + each.cpuReservationMillicores, 0);
  if (guest.cpuReservationMillicores > 0 && reserved > host.capacity.cpuMillicores)
    return `which promises ${reserved} millicores and has ${host.capacity.cpuMillicores}`;
  for (const rule of rows.rule.values()) {
    if (!rule.guestIds.includes(guestId)) continue;
    const isBroken =
      (rule.kind === 'apart' && here.some((id) => id !== guestId && rule.guestIds.includes(id))) ||
      (rule.kind === 'must-run-on' && !rule.hostIds.includes(host.id)) ||
      (rule.kind === 'must-not-run-on' && rule.hostIds.includes(host.id));
    if (isBroken) return `against rule ${rule.name}`;
  }
  return null;
}

/** Where a memory goes on, it finds the machine that it knows. */
export function machineFault(rows: Rows, from: string, to: string): string | null {
  const kindOf = (name: string): Host['capabilities'] =>
    [...rows.host.values()].find((host) => host.name === name)?.capabilities ?? null;
  const [before, now] = [kindOf(from), kindOf(to)];
  if (before === null || now === null) return null;
  const part = machineParts.find((each) => before[each] !== now[each]);
  return part === undefined ? null : `with the memory of another machine: ${part} was ${before[part]} on ${from}`;
}
