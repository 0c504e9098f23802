import type { MeasuredGuest } from '../traces/bitbrains';
import type { GuestRequest } from '../traces/requests';
import { type HostType, hostTypes } from './hosts';
import type { Workload } from './workload';
import { buildWorkload } from './workload-builder';

const stepSeconds = 300;

/** Hosts for recorded requests, which ask for up to dozens of cores. */
export function requestHosts(count: number): readonly HostType[] {
  return Array.from({ length: count }, () => hostTypes['80 cores']);
}

/** What a core of a guest may use, where a trace says only how many cores it has. */
const coreMHz = 2000;

/**
 * Requests say what a guest may use and not what it uses: it is taken to use all of it. It comes and goes at steps,
 * and one that stays less than a step is there for one.
 */
export function requestWorkload(requests: readonly GuestRequest[]): Workload {
  const guests = requests.map(({ name, cores, memoryMiB, arrivesAtSeconds, lifetimeSeconds }) => {
    const arrivesAtStep = Math.ceil(arrivesAtSeconds / stepSeconds);
    return {
      name,
      cores,
      memoryMiB,
      capacityMHz: cores * coreMHz,
      arrivesAtStep,
      leavesAtStep: Math.max(arrivesAtStep + 1, Math.ceil((arrivesAtSeconds + lifetimeSeconds) / stepSeconds)),
      demand: [1],
    };
  });
  const lastStep = guests.reduce((last, { arrivesAtStep }) => Math.max(last, arrivesAtStep), 0) + 1;
  return buildWorkload(guests, { stepSeconds, lastStep, reserved: true });
}

/** Guests with what they used, piece by piece: averaged over the steps, from the first guest's submission on. */
export function measuredWorkload(measured: readonly MeasuredGuest[]): Workload {
  const begin = measured.reduce((first, { submittedAtMs }) => Math.min(first, submittedAtMs), Infinity);
  const guests = measured.map((guest) => {
    const arrivesAtStep = Math.ceil((guest.submittedAtMs - begin) / 1000 / stepSeconds);
    const demand = usedShares(guest);
    return {
      name: guest.name,
      cores: guest.cores,
      capacityMHz: guest.capacityMHz,
      memoryMiB: guest.memoryMiB,
      arrivesAtStep,
      leavesAtStep: arrivesAtStep + demand.length,
      demand,
    };
  });
  const lastStep = guests.reduce((last, { leavesAtStep }) => Math.max(last, leavesAtStep), 1) - 1;
  return buildWorkload(guests, { stepSeconds, lastStep, reserved: false });
}

function usedShares({ fragments, durationMs, capacityMHz }: MeasuredGuest): number[] {
  const stepMs = stepSeconds * 1000;
  const used = new Array<number>(Math.max(1, Math.ceil(durationMs / stepMs))).fill(0);
  let atMs = 0;
  for (const fragment of fragments) {
    const end = Math.min(atMs + fragment.durationMs, durationMs);
    while (atMs < end) {
      const step = Math.floor(atMs / stepMs);
      const until = Math.min(end, (step + 1) * stepMs);
      used[step]! += (fragment.usedMHz * (until - atMs)) / stepMs;
      atMs = until;
    }
  }
  return used.map((usedMHz) => usedMHz / capacityMHz);
}
