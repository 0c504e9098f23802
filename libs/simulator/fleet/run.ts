import type { FleetSample } from '@argosy/domain/simulation';
import { Fleet, firstInstantSeconds, type FleetOptions } from './fleet';
import { wattsAt } from './hosts';
import type { FleetPolicy } from './policy';

export interface FleetRunOptions extends FleetOptions {
  readonly policy: FleetPolicy;
  /** Milliseconds of a clock outside, to tell what decisions take. */
  readonly clock: () => number;
}

export interface FleetResult {
  readonly policy: string;
  readonly energyKWh: number;
  readonly migrations: number;
  /** Those of them that bring a guest back to the host which it left last, within the hour. */
  readonly returns: number;
  /** SLATAH: of the time of hosts that are on, the share in which they did less than they were asked for. */
  readonly violatedHostTime: number;
  /** PDM: of the work asked for, the share lost while guests migrated. */
  readonly migrationLoss: number;
  /** Their product, SLAV: the measure of Beloglazov and Buyya for both kinds of harm. */
  readonly slaViolation: number;
  /** Of the work asked for, the share that was not done for whatever reason. */
  readonly unmetDemand: number;
  readonly hostShutdowns: number;
  readonly failedPlacements: number;
  /** For each step. */
  readonly decisionMs: readonly number[];
  readonly samples: readonly FleetSample[];
}

interface Move {
  readonly guest: number;
  readonly host: number;
}

/** A run step by step, so that whoever runs it can do something else between. The same options give the same result, the decisions' times apart. */
export class FleetRun {
  /** The last step that has been run. */
  step = 0;
  private readonly fleet: Fleet;
  private readonly changes: readonly (Changes | undefined)[];
  private readonly samples: FleetSample[] = [];
  private readonly decisionMs: number[] = [];
  private readonly middlingMiB: number;
  private failedPlacements = 0;
  private seconds = firstInstantSeconds;

  constructor(private readonly options: FleetRunOptions) {
    this.fleet = new Fleet(options);
    this.changes = changesByStep(this.fleet);
    const sizes = Float64Array.from(options.workload.memoryMiB).sort();
    this.middlingMiB = sizes[sizes.length >> 1] ?? 0;
    this.failedPlacements = change(this.fleet, options.policy, this.changes[0]);
  }

  /** False when the last step has been run already. */
  advance(): boolean {
    const { fleet } = this;
    const { policy, workload, clock } = this.options;
    if (this.step >= workload.lastStep) return false;
    this.step++;
    this.seconds += workload.stepSeconds;
    this.failedPlacements += change(fleet, policy, this.changes[this.step]);
    fleet.measure(this.seconds);
    this.samples.push(sample(fleet, this.middlingMiB));
    const moves: Move[] = [];
    const begin = clock();
    policy.decide(fleet, (guest, host) => moves.push({ guest, host }));
    this.decisionMs.push(clock() - begin);
    migrate(fleet, this.seconds, moves);
    return true;
  }

  result(): FleetResult {
    const { failedPlacements, decisionMs, samples } = this;
    return resultOf(this.fleet, { policy: this.options.policy.name, failedPlacements, decisionMs, samples });
  }
}

export function runFleet(options: FleetRunOptions): FleetResult {
  const run = new FleetRun(options);
  while (run.advance());
  return run.result();
}

interface Changes {
  readonly arrive: number[];
  readonly leave: number[];
}

function changesByStep({ workload }: Fleet): (Changes | undefined)[] {
  const changes: (Changes | undefined)[] = [];
  const at = (step: number): Changes => (changes[step] ??= { arrive: [], leave: [] });
  for (let guest = 0; guest < workload.names.length; guest++) {
    at(workload.arrivesAtStep[guest]!).arrive.push(guest);
    if (workload.leavesAtStep[guest]! <= workload.lastStep) at(workload.leavesAtStep[guest]!).leave.push(guest);
  }
  return changes;
}

/** Answers how many guests found no host. */
function change(fleet: Fleet, policy: FleetPolicy, changes: Changes | undefined): number {
  let failed = 0;
  for (const guest of changes?.leave ?? []) fleet.end(guest);
  for (const guest of changes?.arrive ?? []) {
    const host = policy.place(fleet, guest);
    if (host < 0) failed++;
    else fleet.start(guest, host);
  }
  return failed;
}

/** All migrations begin at once; each lasts as long as half the target's link needs for the guest's memory. */
function migrate(fleet: Fleet, seconds: number, moves: readonly Move[]): void {
  const arrivals = new Map<number, Move[]>();
  for (const move of moves) {
    fleet.depart(move.guest, move.host);
    const at = seconds + copySeconds(fleet, move);
    const others = arrivals.get(at);
    if (others) others.push(move);
    else arrivals.set(at, [move]);
  }
  for (const at of [...arrivals.keys()].sort((a, b) => a - b)) {
    fleet.measure(at);
    const changed = new Set<number>();
    for (const { guest, host } of arrivals.get(at)!) {
      changed.add(fleet.hostOf[guest]!).add(host);
      fleet.arrive(guest, host);
    }
    fleet.measureAgain(changed);
  }
}

/** The model counts a megabyte as 8000 kbit. What would last into the next step ends before it: the policy never sees a guest on two hosts. */
function copySeconds({ hosts, workload }: Fleet, { guest, host }: Move): number {
  const seconds = workload.memoryMiB[guest]! / ((hosts[host]!.linkMbps * 1000) / (2 * 8000));
  return Math.min(seconds, workload.stepSeconds - 1);
}

function sample(fleet: Fleet, middlingMiB: number): FleetSample {
  let hostsOn = 0;
  let watts = 0;
  let sum = 0;
  let squares = 0;
  let strandedMHz = 0;
  let onMHz = 0;
  for (let host = 0; host < fleet.hosts.length; host++) {
    const load = fleet.utilisation(host);
    if (load === 0) continue;
    hostsOn++;
    watts += wattsAt(fleet.hosts[host]!, load);
    sum += load;
    squares += load * load;
    onMHz += fleet.capacityMHz[host]!;
    const free = fleet.hosts[host]!.memoryMiB - fleet.memoryUsedMiB[host]!;
    if (free < middlingMiB) strandedMHz += fleet.capacityMHz[host]! * (1 - load);
  }
  const meanLoad = hostsOn === 0 ? 0 : sum / hostsOn;
  return {
    seconds: fleet.seconds,
    hostsOn,
    watts,
    migrations: fleet.migrations,
    meanLoad,
    loadDeviation: hostsOn === 0 ? 0 : Math.sqrt(Math.max(0, squares / hostsOn - meanLoad * meanLoad)),
    strandedShare: onMHz === 0 ? 0 : strandedMHz / onMHz,
  };
}

function resultOf(
  fleet: Fleet,
  told: Pick<FleetResult, 'policy' | 'failedPlacements' | 'decisionMs' | 'samples'>,
): FleetResult {
  const { hostRecord, guestRecord } = fleet;
  hostRecord.close();
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const violatedHostTime = share(hostRecord.violatedSeconds, hostRecord.activeSeconds);
  const migrationLoss = share(guestRecord.missingInMigration, guestRecord.requested);
  return {
    ...told,
    energyKWh: fleet.energyJoules / 3_600_000,
    migrations: fleet.migrations,
    returns: fleet.returns,
    violatedHostTime,
    migrationLoss,
    slaViolation: violatedHostTime * migrationLoss,
    unmetDemand: share(guestRecord.missing, guestRecord.requested),
    hostShutdowns: hostRecord.shutdowns,
  };
}
