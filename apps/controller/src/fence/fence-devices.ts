import type { FleetEffect } from '@argosy/control/fleet-types';
import type { FenceDeviceKind } from '@argosy/domain/fence-device';
import { refused, type Result } from '@argosy/domain/refusal';
import { switchOff, switchOn } from './chassis-switch';
import { runFenceAgent } from './fence-agent';
import { askWebhook } from './webhook';

export type FenceRequest = Omit<Extract<FleetEffect, { kind: 'fence' }>, 'kind'>;

/** A way to prove a host off, and to switch it on. No answer proves nothing, and is a refusal like any other. */
export type FenceAct = (request: FenceRequest) => Promise<Result<null>>;

export interface FenceParts {
  /** Of the database, whose word on who leads and which incarnation a host has is the last. */
  readonly isCurrent: (request: FenceRequest) => Promise<boolean>;
  /** Where fence agents' programs are, in the order in which they are looked for. */
  readonly agentFolders: readonly string[];
}

/**
 * The request may have waited: whether it is still this leader's, and still this incarnation of the host that is to be
 * cut off, is asked immediately before the act. Most devices cannot know.
 */
export async function fence(request: FenceRequest, { isCurrent, agentFolders }: FenceParts): Promise<Result<null>> {
  const acts: Readonly<Record<FenceDeviceKind, FenceAct>> = {
    chassis: ({ action, device, incarnation, term }) =>
      action === 'on'
        ? switchOn(device.address, { term }, device.deadlineMs)
        : switchOff(device.address, { incarnation, term }, device.deadlineMs),
    'fence-agent': (wanted) => runFenceAgent(wanted, agentFolders),
    webhook: askWebhook,
  };
  try {
    if (await isCurrent(request)) return await acts[request.device.kind](request);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refused('fence-failed', `${request.device.name} could not be asked: ${reason}`);
  }
  return refused(
    'stale-incarnation',
    `Another leader or another incarnation of ${request.hostName} is there by now; its power is left alone.`,
  );
}
