import type { DrillFault, Fleet } from '@argosy/control/fleet-types';
import type { PeerCall } from '@argosy/contracts/peer';
import type { Host } from '@argosy/domain/entities';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { impairLinks, switchOff } from './fence/chassis-switch';

export interface InjectorParts {
  readonly fleet: () => Readonly<Fleet>;
  readonly ask: (host: Host, call: PeerCall, deadlineMs: number) => Promise<unknown>;
}

/** Breaks what a drill is to break. It goes round everything that would recover from it: neither brain nor agent is told. */
export async function inject(
  { kind, hostId, guestId, impairment }: DrillFault,
  { fleet, ask }: InjectorParts,
): Promise<Result<null>> {
  const host = fleet().hosts.get(hostId ?? '');
  if (!host) return refused('unknown-host', 'The host of the drill is not there any more.');
  switch (kind) {
    case 'host-loss':
      return onChassis(host, (socket) => switchOff(socket, {}));
    case 'link-cut':
    case 'link-slow': {
      if (!impairment) return refused('invalid-request', 'The drill does not say what becomes of the link.');
      const { durationMs: forMs, ...how } = impairment;
      // The chassis undoes it by itself, whatever becomes of this controller.
      return onChassis(host, (socket) => impairLinks(socket, { ...how, forMs }));
    }
    case 'agent-loss':
      return killed(await ask(host, { kind: 'die', what: 'agent' }, 500), host.name);
    case 'guest-crash': {
      const guest = fleet().guests.get(guestId ?? '');
      if (!guest) return refused('unknown-guest', 'The guest of the drill is not there any more.');
      return killed(
        await ask(host, { kind: 'die', what: 'guest', guestId: guest.id, epoch: guest.epoch }, 2_000),
        host.name,
      );
    }
  }
}

function onChassis(host: Host, act: (socketPath: string) => Promise<Result<null>>): Promise<Result<null>> {
  const chassis = host.fenceDevices.find((device) => device.kind === 'chassis');
  if (chassis) return act(chassis.address);
  const message = `${host.name} is not a lab chassis: its power or its cable is cut by hand, and Argosy measures what follows.`;
  return Promise.resolve(refused('vmm-unsupported', message));
}

/** An agent that kills itself gives no answer; one that cannot says so. */
function killed(answer: unknown, hostName: string): Result<null> {
  if (answer !== null && typeof answer === 'object' && 'refused' in answer)
    return refused('vmm-unsupported', `${hostName}: ${String(answer.refused)}`);
  return accepted(null);
}
