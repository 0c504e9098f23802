import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import type { Result } from '@argosy/domain/refusal';
import { type FleetPolicyName, fleetPolicyNames } from '@argosy/domain/simulation';
import type { HostType } from '@argosy/simulator/fleet/hosts';
import type { FleetResult } from '@argosy/simulator/fleet/run';
import type { Workload } from '@argosy/simulator/fleet/workload';
import { command, type FlagValues } from '../command';
import { Failure, usageFailure } from '../failure';
import type { FleetReport } from '../output/fleet-report';
import type { Session } from '../session';

const flags = {
  hosts: { type: 'count', summary: 'how many hosts (default 1000; 800 for planetlab, 50 for bitbrains and requests)' },
  guests: { type: 'count', summary: 'how many guests of a made-up fleet (default ten a host)' },
  days: { type: 'count', summary: 'how long (default 1; a trace: at most so long)' },
  seed: { type: 'count', summary: 'of a made-up fleet (default 1): the same gives the same' },
  trace: { type: 'text', placeholder: 'file', summary: 'a recorded workload in place of a made-up one; bitbrains: the folder of its two tables' },
  format: { type: 'text', choices: ['planetlab', 'requests', 'bitbrains'], summary: 'how the trace is written' },
  policy: { type: 'texts', choices: fleetPolicyNames, summary: 'what decides, several side by side (default none,argosy)' },
  memory: { type: 'text', choices: ['enforced', 'ignored'], summary: 'whether memory limits migrations (default enforced; planetlab: ignored, as in the literature)' },
  output: { type: 'text', short: 'o', choices: ['table', 'json', 'html'], summary: 'how to print: table (default), json, html (one page with charts)' },
} as const; // prettier-ignore
type Flags = FlagValues<typeof flags>;

const lookMs = 100;

interface Plan {
  readonly title: string;
  readonly hosts: readonly HostType[];
  readonly workload: Workload;
  readonly memoryEnforced: boolean;
  readonly idleGuestsEnd: boolean;
}

function read(session: Session, path: string): { readonly file: string; readonly text: string } {
  try {
    return { file: path, text: readFileSync(resolve(session.io.currentFolder, path), 'utf8') };
  } catch (error) {
    throw new Failure('no-file', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function valueOf<Value>(result: Result<Value>): Value {
  if (!result.ok) throw new Failure(result.refusal.code, result.refusal.message);
  return result.value;
}

async function syntheticPlan({ hosts = 1000, guests = hosts * 10, days = 1, seed = 1 }: Flags): Promise<Plan> {
  const { syntheticHosts, syntheticWorkload } = await import('@argosy/simulator/fleet/synthetic');
  const fleet = { hosts, guests, days, seed };
  return {
    title: `A made-up fleet of seed ${seed}`,
    hosts: syntheticHosts(fleet),
    workload: syntheticWorkload(fleet),
    memoryEnforced: true,
    idleGuestsEnd: false,
  };
}

type TraceReader = (session: Session, trace: string, flags: Flags) => Promise<Plan>;

const traceReaders: Readonly<Record<NonNullable<Flags['format']>, TraceReader>> = {
  planetlab: async (session, trace, { hosts = 800 }) => {
    const { parsePlanetLab } = await import('@argosy/simulator/traces/planetlab');
    const { planetLabHosts, planetLabWorkload } = await import('@argosy/simulator/fleet/planetlab');
    const workload = planetLabWorkload(valueOf(parsePlanetLab(read(session, trace))));
    return { title: trace, hosts: planetLabHosts(hosts), workload, memoryEnforced: false, idleGuestsEnd: true };
  },
  requests: async (session, trace, { hosts = 50 }) => {
    const { parseRequests } = await import('@argosy/simulator/traces/requests');
    const { requestHosts, requestWorkload } = await import('@argosy/simulator/fleet/trace-workloads');
    const workload = requestWorkload(valueOf(parseRequests(read(session, trace))));
    return { title: trace, hosts: requestHosts(hosts), workload, memoryEnforced: true, idleGuestsEnd: false };
  },
  bitbrains: async (session, trace, { hosts = 50 }) => {
    const { parseBitbrains } = await import('@argosy/simulator/traces/bitbrains');
    const { requestHosts, measuredWorkload } = await import('@argosy/simulator/fleet/trace-workloads');
    const [tasks, fragments] = ['tasks.csv', 'fragments.csv'].map((name) => read(session, join(trace, name)));
    const workload = measuredWorkload(valueOf(parseBitbrains(tasks!, fragments!)));
    return { title: trace, hosts: requestHosts(hosts), workload, memoryEnforced: true, idleGuestsEnd: false };
  },
};

async function planOf(session: Session, given: Flags): Promise<Plan> {
  const { trace, format, days, memory } = given;
  if (trace === undefined && format !== undefined) throw usageFailure('--format goes with --trace <file>.');
  if (trace !== undefined && format === undefined)
    throw usageFailure(`--trace needs --format <${flags.format.choices.join('|')}>.`);
  if (given.hosts === 0 || given.guests === 0 || days === 0)
    throw usageFailure('--hosts, --guests and --days must be at least 1.');
  const plan = trace === undefined ? await syntheticPlan(given) : await traceReaders[format!](session, trace, given);
  const most = days === undefined ? Infinity : Math.round((days * 86_400) / plan.workload.stepSeconds) - 1;
  return {
    ...plan,
    workload: { ...plan.workload, lastStep: Math.min(plan.workload.lastStep, most) },
    memoryEnforced: memory === undefined ? plan.memoryEnforced : memory === 'enforced',
  };
}

/** A large fleet takes minutes: now and then it is looked whether somebody wants to stop. */
async function resultOf(session: Session, plan: Plan, name: FleetPolicyName): Promise<FleetResult> {
  const { fleetPolicies } = await import('@argosy/simulator/fleet/policies');
  const { FleetRun } = await import('@argosy/simulator/fleet/run');
  const { lastStep } = plan.workload;
  session.progress(`${name}: placing ${plan.workload.names.length} guests`);
  const run = new FleetRun({ ...plan, policy: fleetPolicies[name].create(), clock: () => performance.now() });
  let lookedAt = performance.now();
  while (run.advance()) {
    if (performance.now() - lookedAt < lookMs) continue;
    session.progress(`${name}: step ${run.step} of ${lastStep}`);
    await immediate();
    if (session.io.signal.aborted) throw new Failure('interrupted', `Stopped at step ${run.step} of ${lastStep}.`);
    lookedAt = performance.now();
  }
  session.clearProgress();
  return run.result();
}

async function reportOf(session: Session, given: Flags): Promise<FleetReport> {
  const plan = await planOf(session, given);
  const { workload } = plan;
  const names = given.policy.length > 0 ? (given.policy as readonly FleetPolicyName[]) : (['none', 'argosy'] as const);
  const results: FleetResult[] = [];
  for (const name of names) results.push(await resultOf(session, plan, name));
  return {
    title: plan.title,
    hosts: plan.hosts.length,
    guests: workload.names.length,
    simulatedSeconds: (workload.lastStep + 1) * workload.stepSeconds,
    stepSeconds: workload.stepSeconds,
    memoryEnforced: plan.memoryEnforced,
    results,
  };
}

export const simFleetCommand = command({
  path: 'sim fleet',
  summary: 'run a fleet of thousands of hosts through days, made-up or recorded, under several policies side by side',
  flags,
  examples: [
    'sim fleet --hosts 10000 --guests 100000 --days 1',
    'sim fleet --trace 20110303.csv --format planetlab --policy none,threshold,argosy',
    'sim fleet --hosts 500 --policy none,argosy --output html > fleet.html',
  ],
  run: async (session, { flags: given }) => {
    const report = await reportOf(session, given);
    if (given.output === 'json') session.print(JSON.stringify(report, null, 2));
    else if (given.output === 'html') session.print((await import('../output/fleet-page')).fleetPage(report));
    else {
      const { fleetReportLines } = await import('../output/fleet-report');
      fleetReportLines(report, session.useColour).forEach((line) => session.print(line));
    }
    return 'done';
  },
});
