import type { LossTolerance, Pool } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { accepted, type Result } from '@argosy/domain/refusal';
import { type Cluster, usableHosts } from '@argosy/scheduler/cluster';
import { type Tolerance, tolerance } from '@argosy/scheduler/tolerance';
import { hostsFor, keptLosses, notRestarted } from './admission';
import { find } from './lookup';
import { clusterOf } from './placement';
import { clearAlarm, type FleetTurn, raiseAlarm } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

/** Nobody asks about more at once, and each further one is harder to prove. */
const mostLosses = 16;
/** More names than that are told by their number. */
const toldNames = 10;

/** What the pool would bear now, whatever its admission control keeps room for. It writes nothing. */
export function poolTolerance(turn: FleetTurn, request: Of<'pool.tolerance'>): Result<LossTolerance> {
  const found = find(turn, 'pool', request.pool);
  if (!found.ok) return found;
  const cluster = clusterOf(turn, found.value.id, 'failover');
  // That nobody is left to run guests when all hosts are lost, everybody knows.
  const allButOne = Math.max(1, usableHosts(cluster).length - 1);
  const losses = Math.min(allButOne, mostLosses);
  const answer = tolerance(cluster, {
    losses,
    without: notRestarted(turn, cluster),
    isLate: turn.fleet.deadline(),
  });
  const hostIds = answer.witness?.hosts.map((host) => cluster.hosts[host]!.id) ?? [];
  const guestIds = answer.witness?.guests.map((guest) => cluster.guests[guest]!.id) ?? [];
  return accepted({
    poolId: found.value.id,
    tolerated: answer.proved,
    isExact: answer.isExact && (answer.witness !== null || losses === allButOne),
    witness: answer.witness === null ? null : { hostIds, guestIds },
    unprotectedGuestIds: answer.unprotected.map((guest) => cluster.guests[guest]!.id),
    explanation: [explain(cluster, answer, allButOne), ...loweredTo(turn, found.value)].join('; '),
  });
}

function explain(cluster: Cluster, { proved, isExact, witness, unprotected }: Tolerance, allButOne: number): string {
  const guestNames = (guests: readonly number[]): string => told(guests.map((guest) => cluster.guests[guest]!.name));
  const count = `${proved} host${proved === 1 ? '' : 's'}`;
  const isWhole = isExact && (witness !== null || proved === allButOne);
  const parts = [`tolerates ${isWhole ? '' : 'at least '}${count}${proved === allButOne ? ', all but one' : ''}`];
  if (witness) {
    const hosts = told(witness.hosts.map((host) => cluster.hosts[host]!.name));
    parts.push(`losing ${hosts} leaves ${counted(witness.guests.length)} down: ${guestNames(witness.guests)}`);
  }
  if (unprotected.length > 0)
    parts.push(
      `rules or datastores leave ${counted(unprotected.length)} none of the hosts that are left after such a loss, whatever room there is: ${guestNames(unprotected)}`,
    );
  return parts.join('; ');
}

/** A pool of few hosts keeps room for fewer losses than it is to bear, or it could start nothing. */
function loweredTo(turn: FleetTurn, pool: Pool): readonly string[] {
  const { admission, toleratedHostFailures: wanted } = pool.failure;
  const kept = keptLosses(turn, pool);
  if (admission !== 'host-failures' || kept >= wanted) return [];
  return [
    `room is kept for the loss of ${kept} and not of ${wanted} as its policy says, for ${kept + 1} host${kept === 0 ? '' : 's'} of it can take guests now`,
  ];
}

/** A pool whose hosts, were they all well, are too few for the losses that it is to bear. */
export function watchLosses(turn: FleetTurn): void {
  for (const pool of turn.fleet.pools.values()) {
    const { admission, toleratedHostFailures: wanted } = pool.failure;
    const hosts = hostsFor(turn, pool).length;
    const isShort = admission === 'host-failures' && hosts > 0 && hosts <= wanted;
    if (!isShort) clearAlarm(turn, 'too-few-hosts', pool.id);
    else if (!turn.fleet.alarms.has(`too-few-hosts/${pool.id}`))
      raiseAlarm(turn, {
        code: 'too-few-hosts',
        subject: ['pool', pool.id],
        message: `Pool ${pool.name} is to bear the loss of ${wanted} host${wanted === 1 ? '' : 's'} and has ${hosts}: room is kept for the loss of ${hosts - 1}. Add hosts, or lower failure.toleratedHostFailures (argosy pool set ${pool.name} --tolerate ${hosts - 1}).`,
      });
  }
}

function counted(guests: number): string {
  return `${guests} guest${guests === 1 ? '' : 's'}`;
}

/** "h1, h2 and h3" */
function told(names: readonly string[]): string {
  if (names.length > toldNames) return `${names.slice(0, toldNames).join(', ')} and ${names.length - toldNames} more`;
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}
