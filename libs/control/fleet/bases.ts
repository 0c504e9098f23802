import type { Guest } from '@argosy/domain/entities';
import type { Fleet } from '../fleet-types';
import { folderOf } from '../guest-specification';

/** A chain of frozen disks is read from its end with each look: longer than this is slow for nothing. */
export const longestChain = 8;

/** The names of the guests whose disks are overlays of that one. */
export function usersOfBase(fleet: Fleet, basePath: string): string[] {
  return [...fleet.guests.values()]
    .filter((guest) => guest.basePaths.includes(basePath))
    .map((guest) => guest.name)
    .sort();
}

/** Of the bases that a removed guest had, those that nobody else has: a template's disk is its own and stays. */
export function unneededBases(fleet: Fleet, removed: Guest): string[] {
  return removed.basePaths.filter((path) => path.includes('/bases/') && usersOfBase(fleet, path).length === 0);
}

/** Where the disk of a stopped guest lies once it is frozen. Until the guest has run again there is no need of another. */
export function basePathOf(fleet: Fleet, guest: Guest): string {
  const datastorePath = folderOf(fleet, guest).replace(/\/guests\/[^/]+$/, '');
  return `${datastorePath}/bases/${guest.id}-${guest.epoch}.qcow2`;
}
