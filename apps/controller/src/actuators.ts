import { addressWithTicket, peerTicket, type HostKey } from '@argosy/contracts/host-key';
import type { PeerCall } from '@argosy/contracts/peer';
import type { Fleet } from '@argosy/control/fleet-types';
import type { Guest, Host } from '@argosy/domain/entities';
import type { HostCommand } from '@argosy/domain/host-command';
import { refused, type RefusalCode, type Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer, PeerClient } from '@argosy/peer/peer-client';
import type { CommandQueues } from '@argosy/queue/command-queues';
import { predictDrill } from '@argosy/simulator/predict';
import { inject } from './fault-injector';
import { fence, type FenceParts } from './fence/fence-devices';
import type { Actuators } from './fleet-loop';
import { guestServes } from './guest-probe';
import type { GuestConsole } from './http/ports';

export interface ActuatorParts {
  readonly queues: CommandQueues;
  readonly peers: PeerClient;
  readonly fencing: FenceParts;
  readonly fleet: () => Readonly<Fleet>;
  readonly keyOf: (hostId: string) => HostKey;
  readonly say: (message: string) => void;
  /** The fleet's time. */
  readonly now: () => Instant;
  readonly countCommand: (kind: string, accepted: boolean) => void;
}

/** What the brain's effects mean in this process. What fails here is asked for again by the brain, when its deadline passes. */
export function actuators({ queues, peers, fencing, fleet, keyOf, say, now, countCommand }: ActuatorParts): Actuators {
  return {
    hostCommand: ({ queue, command }) => {
      void queues.enqueue(queue, withTicket(command, { fleet, keyOf, now })).then((result) => {
        countCommand(command.order.kind, result.ok);
        if (!result.ok) say(`${command.order.kind} was not sent: ${result.refusal.message}`);
      });
    },
    forgetQueue: (queue) => void queues.forget(queue),
    keepQueues: (names) => void queues.keepOnly(names),
    fence: (effect, done) => void fence(effect, fencing).then(done),
    probe: ({ address, probe }, done) => void guestServes(address, probe).then(done),
    predict: ({ drillId, fault }, inventory, done) => {
      // After the answer to whoever asked for the drill: the simulation takes this thread for some tens of milliseconds.
      setTimeout(
        () => done({ kind: 'prediction', drillId, result: predicted(() => predictDrill(inventory, fault)) }),
        10,
      );
    },
    inject: ({ drillId, fault }, done) => {
      const at = now();
      const ask = (host: Host, call: PeerCall, deadlineMs: number): Promise<unknown> =>
        peers.ask(asController(host, keyOf), call, deadlineMs);
      void inject(fault, { fleet, ask }).then((result) => done({ kind: 'injected', drillId, at, result }));
    },
  };
}

type TicketParts = Pick<ActuatorParts, 'fleet' | 'keyOf' | 'now'>;

/** The source of a migration may ask its target for the hand-over of this migration, and gets the ticket for that here. */
function withTicket(command: HostCommand, { fleet, keyOf, now }: TicketParts): HostCommand {
  const { order } = command;
  if (order.kind !== 'migration.start') return command;
  const { migrationId, guestId, targetEpoch: epoch } = order;
  const target = keyOf(fleet().migrations.get(migrationId)?.targetHostId ?? '');
  const handOver = { migrationId, guestId, epoch, now: now() };
  return {
    ...command,
    order: { ...order, targetPeerAddress: addressWithTicket(order.targetPeerAddress, target, handOver) },
  };
}

/** A host's agent, as a controller may speak with it. */
function asController({ id, peerAddress }: Host, keyOf: (hostId: string) => HostKey): Peer {
  const role = { as: 'controller' } as const;
  return { address: peerAddress, role, ticket: peerTicket(keyOf(id), role) };
}

/** A drill goes on without its prediction, but says why there is none. */
function predicted<Value>(predict: () => Result<Value>): Result<Value> {
  try {
    return predict();
  } catch (error) {
    return refused(
      'invalid-request',
      `the simulation failed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const consoleDeadlineMs = 3_000;
const handOverRetryMs = 10;
/** What an agent says of a guest that is on its way to another host, or there. */
const handingOver = new Set<RefusalCode>(['guest-busy', 'guest-not-here']);

type ConsoleCall =
  | { readonly kind: 'console-write'; readonly text: string }
  | { readonly kind: 'console-tail'; readonly maximumBytes: number };

type ConsoleParts = Pick<ActuatorParts, 'fleet' | 'peers' | 'keyOf'>;

const silent = ({ name }: Host) =>
  refused('host-not-online', `The agent of ${name} did not answer within ${consoleDeadlineMs} ms.`);

/** A guest's console and screen, by way of the agent of the host that it is on now. */
export function guestConsole({ fleet, peers, keyOf }: ConsoleParts, guest: Guest): GuestConsole {
  const ask = async <Value>(said: ConsoleCall): Promise<Result<Value>> => {
    const { hostId, epoch, state } = fleet().guests.get(guest.id) ?? guest;
    const host = fleet().hosts.get(hostId ?? '');
    if (!host) return refused('guest-not-running', `${guest.name} is ${state} and has no console.`);
    const call: PeerCall = { guestId: guest.id, epoch, ...said };
    const answer = await peers.ask(asController(host, keyOf), call, consoleDeadlineMs);
    return answer === null ? silent(host) : (answer as Result<Value>);
  };
  return {
    screen: async () => {
      const host = fleet().hosts.get(guest.hostId ?? '');
      if (!host) return refused('guest-not-running', `${guest.name} is on no host that is known.`);
      if (guest.display === 'none')
        return refused(
          'no-screen',
          `${guest.name} has no screen. Shut it down, set its display to "standard" (argosy guest set ${guest.name} --display standard), and start it again.`,
        );
      const call = { kind: 'screen', guestId: guest.id, epoch: guest.epoch } as const;
      const opened = await peers.openScreen(asController(host, keyOf), call, consoleDeadlineMs);
      return opened ?? silent(host);
    },
    // In the instant of a hand-over neither copy hears anything: it is typed where the guest is then.
    write: async (text) => {
      for (const end = performance.now() + consoleDeadlineMs; ; await sleep(handOverRetryMs)) {
        const written = await ask<null>({ kind: 'console-write', text });
        if (written.ok || !handingOver.has(written.refusal.code) || performance.now() > end) return written;
      }
    },
    tail: (maximumBytes) => ask<{ text: string }>({ kind: 'console-tail', maximumBytes }),
  };
}
