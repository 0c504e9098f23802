import type { Display } from './entities';
import type { Firmware, ImageFormat } from './storage';
import type { GuestNetwork } from './network';

/** How much of its host's processors a guest may take: its weight among others, and the most it gets; null: no limit. */
export interface ProcessorLimits {
  readonly cpuShares: number;
  readonly cpuLimitMillicores: number | null;
}

export const usualLimits: ProcessorLimits = { cpuShares: 1000, cpuLimitMillicores: null };

export function areSameLimits(one: ProcessorLimits, other: ProcessorLimits): boolean {
  return one.cpuShares === other.cpuShares && one.cpuLimitMillicores === other.cpuLimitMillicores;
}

/** All that a VMM needs to start a guest, the same on every host: paths are on a datastore that each of them reaches. */
export interface GuestSpecification extends ProcessorLimits {
  readonly guestId: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly architecture: string;
  readonly display: Display;
  readonly boot: {
    readonly format: ImageFormat;
    readonly firmware: Firmware;
    readonly kernelPath: string | null;
    readonly initrdPath: string | null;
    readonly kernelArguments: string | null;
    /** The image that the guest's own disk is an overlay of, or null for an empty disk. */
    readonly backingDiskPath: string | null;
    /** The folder of the image's datastore: a host opens no file for an image that does not lie below it. */
    readonly datastorePath: string;
  };
  /** The guest's own disk: opened, and so locked, by the VMM itself. */
  readonly diskPath: string;
  /** It must be there; otherwise it is made where it is not. */
  readonly diskMade: boolean;
  readonly diskMiB: number;
  /** Instead of booting it goes on from this memory, which is used up by that; null: it boots. */
  readonly memoryPath: string | null;
  readonly cloudInit: string | null;
  readonly network: GuestNetwork;
}
