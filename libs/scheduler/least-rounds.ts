import type { Cluster } from './cluster';
import { freeMemory, freeReservation } from './room';
import { guestsOn } from './tolerance';

/** Hosts that have more than that together, of either, are never away at the same time. */
export interface MostAway {
  readonly memoryMiB: number;
  readonly cpuMillicores: number;
}

/** A weight for each host, and what those of one round may weigh together. */
interface Budget {
  readonly weights: readonly number[];
  readonly budget: number;
}

/**
 * Fewer rounds than that cannot take all of these hosts away: what their guests ask for has to be free on the others, and
 * what is free there has an end. Each round is a bin then, and each host an item of it.
 */
export function leastRounds(cluster: Cluster, hosts: readonly number[], mostAway: MostAway | null): number {
  if (hosts.length === 0) return 0;
  const { guestMemory, guestReservation } = cluster;
  const budgets = [
    emptying(cluster, hosts, guestMemory, (host) => freeMemory(cluster, host)),
    emptying(cluster, hosts, guestReservation, (host) => freeReservation(cluster, host)),
  ];
  if (mostAway !== null)
    for (const resource of ['memoryMiB', 'cpuMillicores'] as const)
      budgets.push({ weights: hosts.map((host) => cluster.hosts[host]![resource]), budget: mostAway[resource] });
  return Math.max(1, ...budgets.map(leastBins));
}

/** What is asked for on hosts that go must be free on those that stay: what goes, with what is free there, is no more than all that is free. */
function emptying(
  cluster: Cluster,
  hosts: readonly number[],
  sizes: Float64Array,
  freeOn: (host: number) => number,
): Budget {
  const free = (host: number): number => (cluster.useOf[host] === 0 ? Math.max(0, freeOn(host)) : 0);
  const asked = (host: number): number => guestsOn(cluster, host).reduce((sum, guest) => sum + sizes[guest]!, 0);
  return {
    weights: hosts.map((host) => asked(host) + free(host)),
    budget: cluster.hosts.reduce((sum, _, host) => sum + free(host), 0),
  };
}

/** Beyond so many to a bin a finer look tells next to nothing more. */
const mostToABin = 100;
const rounding = 1e-9;

/**
 * A bound on bins (S. Fekete and J. Schepers: "New classes of fast lower bounds for bin packing problems", 2001): where items
 * are so large that only so many fit into a bin together, each counts as that part of one. An item larger than a bin goes alone.
 */
function leastBins({ weights, budget }: Budget): number {
  const shares = weights.filter((weight) => weight > 0).map((weight) => (weight < budget ? weight / budget : 1));
  let most = shares.reduce((sum, share) => sum + share, 0);
  for (let count = 1; count <= mostToABin; count++) {
    const part = (share: number): number => {
      const fold = (count + 1) * share;
      return Math.abs(fold - Math.round(fold)) < rounding ? share : Math.floor(fold) / count;
    };
    most = Math.max(
      most,
      shares.reduce((sum, share) => sum + part(share), 0),
    );
  }
  return Math.ceil(most - rounding);
}
