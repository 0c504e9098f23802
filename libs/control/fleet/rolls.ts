import type { Host, Pool } from '@argosy/domain/entities';
import type { Roll, RollHost } from '@argosy/domain/roll';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { canBecome, type RollStep, rollStepTransitions } from '@argosy/domain/lifecycle';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { setMaintenance } from './host-requests';
import { find } from './lookup';
import { canBeRolled, planRoll, planRounds, type RoundsPlan, tellStuck, whyNotNow } from './roll-plan';
import {
  clearAlarm,
  type FleetTurn,
  hostName,
  isHeard,
  nextAttempt,
  order,
  poolOf,
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
/** Room that is not there for the next round is looked for again after this. */
const roomAgainMs = 2_000;

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
  const planned = planRoll(turn, pool);
  if (!planned.ok) return planned;
  const roll: Roll = {
    id: turn.fleet.newId(),
    poolId: pool.id,
    command: request.command,
    state: 'running',
    hosts: planned.value.hosts,
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
    message: `Pool ${pool.name} is rolled in ${countRounds(planned.value)}: ${describePlan(turn, roll.hosts)}; on each: ${roll.command}.`,
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

function countRounds({ hosts, least }: RoundsPlan): string {
  const count = new Set(hosts.map(({ round }) => round)).size;
  if (count === 1) return 'one round';
  return `${count} rounds, ${count === least ? 'the fewest that there are' : `where fewer than ${least} would not do`}`;
}

function describePlan(turn: FleetTurn, hosts: readonly RollHost[]): string {
  const rounds = [...new Set(hosts.map(({ round }) => round))].sort((a, b) => a - b);
  return rounds
    .map((round) => {
      const names = hosts.filter((each) => each.round === round).map(({ hostId }) => hostName(turn.fleet, hostId));
      return `round ${round}: ${names.join(', ')}`;
    })
    .join('; ');
}

/** Each roll is taken as far as its hosts are, whoever leads: what is written of it is all that is known of it. */
export function followRolls(turn: FleetTurn): void {
  for (const roll of [...turn.fleet.rolls.values()]) followRoll(turn, roll);
}

function followRoll(turn: FleetTurn, before: Roll): void {
  let roll = before;
  for (const each of before.hosts) {
    const isForgotten = each.step === 'waiting' && !turn.fleet.hosts.has(each.hostId);
    if (!isUnderWay(each) && !isForgotten) continue;
    roll = followHost(turn, roll, each);
    const failed = roll.hosts.find(({ hostId, step }) => hostId === each.hostId && step === 'failed');
    if (failed) roll = giveUp(turn, roll, failed);
  }
  if (roll.hosts.every(({ step }) => step === 'done')) return endRoll(turn, roll, 'finished');
  if (roll.hosts.some(isUnderWay)) return;
  if (roll.state === 'stopping') return endRoll(turn, roll, roll.failure === null ? 'stopped' : 'failed');
  // A host that has just been let back is looked at once more before others are taken away.
  if (roll === before) beginRound(turn, roll);
}

function isUnderWay({ step }: RollHost): boolean {
  return step !== 'waiting' && step !== 'done' && step !== 'failed';
}

/**
 * The pool is not what it was when the roll was planned: whether the hosts of the round can be spared is asked again. If not, the
 * rest is planned anew, and where no host can be spared the roll waits, behind an alarm, until one can.
 */
function beginRound(turn: FleetTurn, before: Roll): void {
  const key = `roll-room:${before.id}`;
  const pool = poolOf(turn.fleet, before);
  const waiting = before.hosts.filter(({ step }) => step === 'waiting');
  const round = Math.min(...waiting.map((each) => each.round));
  const isWaiting = turn.fleet.alarms.has(`roll-waits/${pool.id}`);
  if (nextAttempt(turn, key, 0, isWaiting ? roomAgainMs : 0) === null) return;
  const due = waiting.filter((each) => each.round === round);
  let roll = mayGo(turn, pool, due) ? before : planRest(turn, pool, before, waiting);
  if (roll === null) return;
  settled(turn, key);
  clearAlarm(turn, 'roll-waits', pool.id);
  for (const each of roll.hosts.filter((other) => other.step === 'waiting' && other.round === round)) {
    const entered = setMaintenance(turn, { kind: 'host.maintenance', host: each.hostId, enter: true });
    if (entered.ok) roll = stepTo(turn, roll, each, 'evacuating');
  }
}

function mayGo(turn: FleetTurn, pool: Pool, due: readonly RollHost[]): boolean {
  const hostIds = due.map(({ hostId }) => hostId);
  return hostIds.every((id) => canBeRolled(turn.fleet.hosts.get(id))) && whyNotNow(turn, pool, hostIds) === null;
}

/** Hosts that cannot be spared, or not be emptied, come after those that can. null: none can. */
function planRest(turn: FleetTurn, pool: Pool, roll: Roll, waiting: readonly RollHost[]): Roll | null {
  const { fleet } = turn;
  const ready = waiting.filter(({ hostId }) => canBeRolled(fleet.hosts.get(hostId)));
  const round = Math.min(...waiting.map((each) => each.round));
  const plan = planRounds(turn, pool, ready, round);
  if (plan.hosts.length === 0) {
    const absent = waiting.filter((each) => !ready.includes(each));
    const reasons = absent.map(({ hostId }) => whyAbsent(fleet.hosts.get(hostId)!));
    if (plan.left.length > 0) reasons.push(tellStuck(turn, plan));
    raiseAlarm(turn, {
      code: 'roll-waits',
      subject: ['pool', pool.id],
      message: `The roll of pool ${pool.name} waits before round ${round}: ${reasons.join('; ')}. It goes on by itself; or stop it: argosy pool roll stop ${pool.name}.`,
    });
    return null;
  }
  const last = Math.max(...plan.hosts.map((each) => each.round)) + 1;
  const rounds = new Map(plan.hosts.map((each) => [each.hostId, each.round]));
  const hosts = roll.hosts.map((each) =>
    each.step === 'waiting' ? { ...each, round: rounds.get(each.hostId) ?? last } : each,
  );
  const rest = hosts.filter(({ step }) => step === 'waiting');
  const row: Roll = { ...roll, hosts };
  put(turn, 'roll', row);
  record(turn, {
    code: 'roll-planned-anew',
    subject: ['pool', pool.id],
    message: `The pool has changed, and the rest of its roll with it: ${describePlan(turn, rest)}.`,
  });
  return row;
}

function whyAbsent({ name, state, maintenance, quarantined }: Host): string {
  if (state !== 'online') return `${name} is ${state}`;
  return quarantined ? `${name} is in quarantine` : `${name} is in maintenance (${maintenance})`;
}

function followHost(turn: FleetTurn, roll: Roll, each: RollHost): Roll {
  const host = turn.fleet.hosts.get(each.hostId);
  if (!host) return stepTo(turn, roll, each, 'done', 'it is not in the inventory any more');
  switch (each.step) {
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
  clearAlarm(turn, 'roll-waits', roll.poolId);
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
