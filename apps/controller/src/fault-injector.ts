import type { DrillFault, Fleet } from '@argosy/control/fleet-types';
import type { PeerCall } from '@argosy/contracts/peer';
import type { Host } from '@argosy/domain/entities';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { switchOff } from './fence/chassis-switch';

export interface InjectorParts {
  readonly fleet: () => Readonly<Fleet>;
  readonly ask: (host: Host, call: PeerCall, deadlineMs: number) => Promise<unknown>;
}

/** Breaks what a drill is to break. It goes round everything that would recover from it: neither brain nor agent is told. */
export async function inject(
  { kind, hostId, guestId }: DrillFault,
  { fleet, ask }: InjectorParts,
): Promise<Result<null>> {
  const host = fleet().hosts.get(hostId ?? '');
  if (!host) return refused('unknown-host', 'The host of the drill is not there any more.');
  switch (kind) {
    case 'host-loss': {
      const chassis = host.fenceDevices.find((device) => device.kind === 'chassis');
      if (!chassis)
        return refused(
          'vmm-unsupported',
          `${host.name} is not a lab chassis: its power is cut by hand, and Argosy measures what follows.`,
        );
      return switchOff(chassis.address, {});
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

/** An agent that kills itself gives no answer; one that cannot says so. */
function killed(answer: unknown, hostName: string): Result<null> {
  if (answer !== null && typeof answer === 'object' && 'refused' in answer)
    return refused('vmm-unsupported', `${hostName}: ${String(answer.refused)}`);
  return accepted(null);
}
