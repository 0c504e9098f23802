import type { Guest } from '@argosy/domain/entities';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { guestNetworkOf } from '@argosy/domain/network';
import type { Fleet } from './fleet-types';

/** What a guest's specification is made of besides its own row. */
export type GuestSources = Pick<Fleet, 'pools' | 'images' | 'datastores'>;

export function specificationOf(fleet: GuestSources, guest: Guest): GuestSpecification {
  const image = fleet.images.get(guest.imageId);
  const pool = fleet.pools.get(guest.poolId);
  if (!pool) throw new Error(`Pool ${guest.poolId} of guest ${guest.name} is missing.`);
  if (!image) throw new Error(`Image ${guest.imageId} of guest ${guest.name} is missing.`);
  const datastore = fleet.datastores.get(image.datastoreId);
  if (!datastore) throw new Error(`Datastore ${image.datastoreId} of image ${image.name} is missing.`);
  return {
    guestId: guest.id,
    name: guest.name,
    vcpus: guest.vcpus,
    memoryMiB: guest.memoryMiB,
    architecture: image.architecture,
    cpuShares: guest.cpuShares,
    cpuLimitMillicores: guest.cpuLimitMillicores,
    display: guest.display,
    boot: {
      format: image.format,
      firmware: image.firmware,
      kernelPath: image.kernelPath,
      initrdPath: image.initrdPath,
      kernelArguments: image.kernelArguments,
      backingDiskPath: image.diskPath,
      datastorePath: datastore.path,
    },
    diskPath: diskPathOf(fleet, guest),
    diskMade: guest.diskMade,
    diskMiB: guest.diskMiB,
    memoryPath: guest.memoryPath,
    cloudInit: guest.cloudInit,
    network: guestNetworkOf(guest, pool.network),
  };
}

export function diskPathOf(fleet: GuestSources, guest: Guest): string {
  return `${folderOf(fleet, guest)}/disk.qcow2`;
}

/** One that was never started has none yet, unless it was made from another's. */
export function hasDisk(guest: Guest): boolean {
  return guest.epoch > 0 || guest.clonedFrom !== null;
}

/** Where the guest's disk lies, with all that belongs to it. */
export function folderOf(fleet: GuestSources, guest: Guest): string {
  const datastore = fleet.datastores.get(guest.datastoreId);
  if (!datastore) throw new Error(`Datastore ${guest.datastoreId} of guest ${guest.name} is missing.`);
  return `${datastore.path}/guests/${guest.id}`;
}
