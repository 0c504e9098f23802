import type { Means } from './downtime';
import type { MessageBus } from './message-bus';
import type { ModelController } from './model-controller';
import type { ModelHost } from './model-host';
import type { ModelSite } from './model-machine';
import type { ModelStore } from './model-store';
import type { HostTraces } from './wanted-orders';

/** What ails a fleet at the moment, as the invariants ask before they ask anything of it. */
export class Circumstances implements Means, HostTraces {
  constructor(
    private readonly world: {
      readonly site: ModelSite;
      readonly store: ModelStore;
      readonly bus: MessageBus;
      readonly hosts: ReadonlyMap<string, ModelHost>;
      readonly controllers: readonly ModelController[];
    },
  ) {}

  /** Messages may be lost: what is not answered is asked again. */
  leader(): string | null {
    const { bus, store, site, controllers } = this.world;
    const leader = controllers.find((controller) => controller.leads());
    if (!leader || leader.cutOff || leader.datastoreCut) return null;
    return bus.isUp() && !store.away && !site.datastore.full ? leader.name : null;
  }

  isAtWork(hostName: string): boolean {
    const host = this.world.hosts.get(hostName);
    return (
      host?.cutOff === 'none' && !host.datastoreCut && host.machine.powered && (host.agent?.state.assigned ?? false)
    );
  }

  isSilent(hostName: string): boolean {
    const host = this.world.hosts.get(hostName);
    return !host?.machine.powered || host.cutOff === 'both' || host.cutOff === 'mute';
  }

  isProvedOff(hostName: string): boolean {
    const host = this.world.hosts.get(hostName);
    return host !== undefined && !host.machine.powered && host.fenceFaults.size === 0;
  }

  tracesOf(hostName: string): ModelHost {
    const host = this.world.hosts.get(hostName);
    if (!host) throw new Error(`there is no host ${hostName}`);
    return host;
  }

  /** Nothing keeps the fleet from doing what is wanted. */
  isCalm(): boolean {
    const { bus, site, controllers } = this.world;
    const asleep = new Set<string>();
    for (const { name, standby } of this.world.store.rows.host.values()) if (standby === 'in') asleep.add(name);
    const hosts = [...this.world.hosts.values()].filter(({ name }) => !asleep.has(name));
    return (
      this.leader() !== null &&
      !bus.isLossy() &&
      controllers.every(({ cutOff, datastoreCut }) => !cutOff && !datastoreCut) &&
      hosts.every(({ name, fenceFaults }) => this.isAtWork(name) && fenceFaults.size === 0) &&
      hosts.every(({ name }) => hosts.every((other) => site.network.connected(name, other.name)))
    );
  }
}
