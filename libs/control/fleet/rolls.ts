import type { Host, Pool } from '@argosy/domain/entities';
import type { Roll, RollHost } from '@argosy/domain/roll';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { canBecome, type RollStep, rollStepTransitions } from '@argosy/domain/lifecycle';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { buildCluster, type Cluster, move } from '@argosy/scheduler/cluster';
import { place } from '@argosy/scheduler/place';
import { type Promised, promisedResources, roomOf, sum } from './admission';
import { setMaintenance } from './host-requests';
import { find } from './lookup';
import { clusterOf } from './placement';
import {
  clearAlarm,
  type FleetTurn,
  hostName,
  isHeard,
  order,
  put,
  putEnded,
  raiseAlarm,
  record,
  settled,
} from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

/** A command that has not ended by then has failed. */
const commandDeadlineMs = 3_600_000;
const keptOutput = 500;

/** Rolling maintenance: shown as a plan, or begun. */
export function rollPool(turn: FleetTurn, request: Of<'pool.roll'>): Result<Roll> {
  const found = find(turn, 'pool', request.pool);
  if (!found.ok) return found;
  const pool = found.value;
  const running = rollOf(turn, pool);
  if (running && request.planOnly !== true)
    return refused(
      'roll-running',
      `Pool ${pool.name} is being rolled already (${running.command}); stop it first: argosy pool roll stop ${pool.name}.`,
    );
  const planned = plan(turn, pool);
  if (!planned.ok) return planned;
  const roll: Roll = {
    id: turn.fleet.newId(),
    poolId: pool.id,
    command: request.command,
    state: 'running',
    hosts: planned.value,
    requestedBy: turn.actor,
    failure: null,
    createdAt: turn.now,
    endedAt: null,
  };
  if (request.planOnly === true) return accepted(roll);
  put(turn, 'roll', roll);
  clearAlarm(turn, 'roll-failed', pool.id);
  record(turn, {
    code: 'roll-begun',
    subject: ['pool', pool.id],
    message: `Pool ${pool.name} is rolled: ${describePlan(turn, roll)}; on each: ${roll.command}.`,
  });
  return accepted(roll);
}

export function stopRoll(turn: FleetTurn, request: Of<'pool.roll-stop'>): Result<Roll> {
  const found = find(turn, 'pool', request.pool);
  if (!found.ok) return found;
  const roll = rollOf(turn, found.value);
  if (!roll) return refused('no-roll', `Pool ${found.value.name} is not being rolled.`);
  if (roll.state === 'stopping') return accepted(roll);
  const row: Roll = { ...roll, state: 'stopping' };
  put(turn, 'roll', row);
  record(turn, {
    code: 'roll-stopping',
    subject: ['pool', roll.poolId],
    message: 'No further host is begun; those under way are finished and let back.',
  });
  return accepted(row);
}

function rollOf(turn: FleetTurn, pool: Pool): Roll | undefined {
  return [...turn.fleet.rolls.values()].find(({ poolId }) => poolId === pool.id);
}

function describePlan(turn: FleetTurn, roll: Roll): string {
  const rounds = Math.max(...roll.hosts.map(({ round }) => round));
  return Array.from({ length: rounds }, (_, index) => {
    const names = roll.hosts
      .filter(({ round }) => round === index + 1)
      .map(({ hostId }) => hostName(turn.fleet, hostId));
    return `round ${index + 1}: ${names.join(', ')}`;
  }).join('; ');
}

/**
 * As few rounds as a look from the emptiest host on finds: a host joins a round if the guests of all of the round still
 * fit on the others, by every rule, and with the room that the pool keeps for the loss of a host.
 */
function plan(turn: FleetTurn, pool: Pool): Result<readonly RollHost[]> {
  const cluster = clusterOf(turn, pool.id);
  const left = cluster.hosts
    .map((host, index) => ({ id: host.id, index }))
    .filter(({ id }) => canBeRolled(turn.fleet.hosts.get(id)))
    .sort((a, b) => cluster.memoryUsed[a.index]! - cluster.memoryUsed[b.index]! || a.index - b.index);
  if (left.length === 0)
    return refused(
      'host-not-online',
      `Pool ${pool.name} has no host that is online and takes guests: nothing to roll.`,
    );
  const planned: RollHost[] = [];
  for (let round = 1; left.length > 0; round++) {
    const chosen: number[] = [];
    for (const { id, index } of [...left]) {
      if (!fitsWithout(turn, pool, cluster, [...chosen, index])) continue;
      chosen.push(index);
      left.splice(
        left.findIndex((each) => each.id === id),
        1,
      );
      planned.push({ hostId: id, round, step: 'waiting', since: turn.now, output: '' });
    }
    if (chosen.length === 0)
      return refused(
        'no-host-fits',
        `${left.map(({ id }) => hostName(turn.fleet, id)).join(', ')} cannot be emptied: the guests would not fit on the others by the rules and with the room that pool ${pool.name} keeps for failures. Make room, stop guests, or keep less (failure.admission of the pool).`,
      );
  }
  return accepted(planned);
}

function canBeRolled(host: Host | undefined): boolean {
  return host?.state === 'online' && host.maintenance === 'none' && !host.quarantined;
}

/** Places the guests of those hosts on the others, in thought. */
function fitsWithout(turn: FleetTurn, pool: Pool, cluster: Cluster, without: readonly number[]): boolean {
  const gone = new Set(without);
  const hosts = cluster.hosts.map((host, index) =>
    gone.has(index) ? { ...host, use: 'unusable' as const, useReason: 'it is being rolled' } : host,
  );
  const scratch = buildCluster(
    hosts,
    cluster.guests,
    cluster.rules.map((rule) => ({
      name: rule.name,
      kind: rule.kind,
      guestIds: rule.guests.map((guest) => cluster.guests[guest]!.id),
      hostIds: [...rule.hosts].map((host) => cluster.hosts[host]!.id),
    })),
  );
  const homeless = cluster.guests.flatMap((_, guest) => (gone.has(cluster.hostOf[guest]!) ? [guest] : []));
  for (const guest of homeless) move(scratch, guest, -1);
  homeless.sort((a, b) => cluster.guests[b]!.memoryMiB - cluster.guests[a]!.memoryMiB);
  for (const guest of homeless) {
    const { chosen } = place(scratch, guest);
    if (chosen === null) return false;
    move(scratch, guest, chosen.host);
  }
  return keepsRoom(turn, pool, scratch, gone);
}

/**
 * What is promised on hosts that take guests leaves the room that the pool's policy keeps for failures. A pool too small for that
 * is rolled one host at a time; but no second host joins a round that would leave nobody to lose, or nobody to take over.
 */
function keepsRoom(turn: FleetTurn, pool: Pool, cluster: Cluster, gone: ReadonlySet<number>): boolean {
  const usable = cluster.hosts.flatMap((host, index) => (host.use === 'usable' ? [index] : []));
  if (usable.length === 0) return cluster.guests.every((guest) => guest.hostId === null);
  const { admission, toleratedHostFailures } = pool.failure;
  if (admission === 'failover-hosts') return isCovered(turn, cluster, usable, gone);
  if (admission === 'host-failures' && gone.size > 1 && usable.length <= toleratedHostFailures) return false;
  const room = roomOf(
    pool,
    usable.map((host) => cluster.hosts[host]!),
  );
  if (room === null) return true;
  const promised = promisedOn(cluster, usable);
  return promisedResources.every(([resource]) => promised[resource] <= room.kept[resource]);
}

/** What any one host holds fits on the failover hosts; while the last of these is rolled itself, there is none. */
function isCovered(turn: FleetTurn, cluster: Cluster, usable: readonly number[], gone: ReadonlySet<number>): boolean {
  const spare = cluster.hosts.filter(({ id }, index) => {
    const host = turn.fleet.hosts.get(id);
    return host?.failoverOnly === true && canBeRolled(host) && !gone.has(index);
  });
  if (spare.length === 0) return gone.size === 1;
  return usable.every((host) => {
    const promised = promisedOn(cluster, [host]);
    return promisedResources.every(([resource]) => promised[resource] <= sum(spare.map((each) => each[resource])));
  });
}

function promisedOn(cluster: Cluster, hosts: readonly number[]): Promised {
  return {
    memoryMiB: sum(hosts.map((host) => cluster.memoryUsed[host]!)),
    cpuMillicores: sum(hosts.map((host) => cluster.cpuReserved[host]!)),
  };
}

/** Each roll is taken as far as its hosts are, whoever leads: what is written of it is all that is known of it. */
export function followRolls(turn: FleetTurn): void {
  for (const roll of [...turn.fleet.rolls.values()]) followRoll(turn, roll);
}

function followRoll(turn: FleetTurn, before: Roll): void {
  let roll = before;
  const open = roll.hosts.filter(({ step }) => step !== 'done' && step !== 'failed');
  const round = Math.min(...open.map((each) => each.round));
  for (const each of open) {
    const mayBegin = roll.state === 'running' && each.round === round;
    if (each.step === 'waiting' && !mayBegin) continue;
    roll = followHost(turn, roll, each);
    const failed = roll.hosts.find(({ hostId, step }) => hostId === each.hostId && step === 'failed');
    if (failed) roll = giveUp(turn, roll, failed);
  }
  if (roll.hosts.every(({ step }) => step === 'done')) return endRoll(turn, roll, 'finished');
  const begun = roll.hosts.some(({ step }) => step !== 'done' && step !== 'failed' && step !== 'waiting');
  if (roll.state === 'stopping' && !begun) endRoll(turn, roll, roll.failure === null ? 'stopped' : 'failed');
}

function followHost(turn: FleetTurn, roll: Roll, each: RollHost): Roll {
  const host = turn.fleet.hosts.get(each.hostId);
  if (!host) return stepTo(turn, roll, each, 'done', 'it is not in the inventory any more');
  switch (each.step) {
    case 'waiting': {
      if (host.state !== 'online') return roll;
      const entered = setMaintenance(turn, { kind: 'host.maintenance', host: host.id, enter: true });
      return entered.ok ? stepTo(turn, roll, each, 'evacuating') : roll;
    }
    case 'evacuating':
      if (host.maintenance === 'none') return stepTo(turn, roll, each, 'failed', 'its maintenance was called off');
      return host.maintenance === 'in' ? stepTo(turn, roll, each, 'running-command') : roll;
    case 'running-command':
      return followCommand(turn, roll, each, host);
    case 'returning':
      if (host.maintenance !== 'none') setMaintenance(turn, { kind: 'host.maintenance', host: host.id, enter: false });
      return host.state === 'online' ? stepTo(turn, roll, each, 'done') : roll;
    default:
      return roll;
  }
}

/** The command may end the agent, or the host: it is looked for again when they are back. */
function followCommand(turn: FleetTurn, roll: Roll, each: RollHost, host: Host): Roll {
  const runId = `${roll.id}-${each.hostId}`;
  const report = turn.fleet.views.get(host.id)?.report;
  const run = report?.incarnation === host.incarnation && report.run?.runId === runId ? report.run : null;
  if (run !== null && run.status !== null) {
    settled(turn, `run:${runId}`);
    const output = run.output.slice(-keptOutput);
    if (run.status === 0) return stepTo(turn, roll, each, 'returning', output);
    return stepTo(turn, roll, each, 'failed', `its command ended with status ${run.status}: ${output || 'no output'}`);
  }
  if (turn.now - each.since > commandDeadlineMs)
    return stepTo(turn, roll, each, 'failed', 'its command has not ended within an hour');
  if (run === null && report && isHeard(host))
    order(turn, `run:${runId}`, host, { kind: 'host.run', runId, command: roll.command });
  return roll;
}

const saidOf: Readonly<Record<RollStep, string>> = {
  waiting: 'waits',
  evacuating: 'is being emptied',
  'running-command': 'runs its command',
  returning: 'is let back',
  done: 'is done',
  failed: 'failed',
};

function stepTo(turn: FleetTurn, roll: Roll, each: RollHost, step: RollStep, output = each.output): Roll {
  if (step !== 'done' && !canBecome(rollStepTransitions, each.step, step))
    throw new Error(`A host of a roll cannot go from ${each.step} to ${step}.`);
  const hosts = roll.hosts.map((other) =>
    other.hostId === each.hostId ? { ...other, step, since: turn.now, output } : other,
  );
  const row = { ...roll, hosts };
  put(turn, 'roll', row);
  record(turn, {
    code: `roll-${step}`,
    severity: step === 'failed' ? 'error' : 'information',
    subject: ['host', each.hostId],
    message: `Roll, round ${each.round}: ${hostName(turn.fleet, each.hostId)} ${saidOf[step]}${output ? `: ${output.trim()}` : ''}.`,
  });
  return row;
}

function endRoll(turn: FleetTurn, roll: Roll, state: 'finished' | 'stopped' | 'failed'): void {
  putEnded(turn, 'roll', { ...roll, state, endedAt: turn.now });
  const done = roll.hosts.filter(({ step }) => step === 'done').length;
  record(turn, {
    code: `roll-${state}`,
    subject: ['pool', roll.poolId],
    message: `The roll is ${state}: ${done} of ${roll.hosts.length} hosts are done.`,
  });
}

/** The host stays in maintenance for somebody to look at; those under way are finished, and no other is begun. */
function giveUp(turn: FleetTurn, roll: Roll, failed: RollHost): Roll {
  const failure = `${hostName(turn.fleet, failed.hostId)}: ${failed.output}`;
  const row: Roll = { ...roll, state: 'stopping', failure };
  put(turn, 'roll', row);
  raiseAlarm(turn, {
    code: 'roll-failed',
    severity: 'error',
    subject: ['pool', roll.poolId],
    message: `The roll was given up at ${failure}. The host stays in maintenance; look at it, end its maintenance, and roll again.`,
  });
  return row;
}
