import type { Cluster } from './cluster';

export function freeMemory(cluster: Cluster, host: number): number {
  return cluster.memoryCapacity[host]! - cluster.memoryUsed[host]!;
}

export function freeReservation(cluster: Cluster, host: number): number {
  return cluster.cpuCapacity[host]! - cluster.cpuReserved[host]!;
}
