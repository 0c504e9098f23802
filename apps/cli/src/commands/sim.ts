import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Scenario } from '@argosy/simulator/scenario-text';
import { command } from '../command';
import { Failure } from '../failure';
import type { Session } from '../session';
import { simFleetCommand } from './sim-fleet';
import { simSoakCommand } from './sim-soak';
import { simWhatIfCommand } from './sim-whatif';

function readScenario(session: Session, path: string): { readonly file: string; readonly text: string } {
  try {
    const given = resolve(session.io.currentFolder, path);
    const file = statSync(given).isDirectory() ? join(given, 'scenario.txt') : given;
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new Failure('no-file', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

interface ReadScenario {
  readonly file: string;
  readonly scenario: Scenario;
}

interface Simulated {
  readonly file: string;
  readonly claim: string;
  readonly simulatedMs: number;
  readonly tookMs: number;
  readonly log: readonly string[];
  readonly violations: readonly string[];
}

/** All of them are read before the first is run. */
async function readScenarios(session: Session, paths: readonly string[]): Promise<ReadScenario[]> {
  // Loaded here, because no other command needs it.
  const { parseScenario } = await import('@argosy/simulator/scenario-text');
  return paths.map((path) => {
    const { file, text } = readScenario(session, path);
    const parsed = parseScenario(text, path);
    if (!parsed.ok) throw new Failure(parsed.refusal.code, parsed.refusal.message);
    return { file, scenario: parsed.value };
  });
}

async function simulate({ file, scenario }: ReadScenario, tell?: (line: string) => void): Promise<Simulated> {
  const { runScenario } = await import('@argosy/simulator/scenario');
  const begin = performance.now();
  const { log, violations } = runScenario(scenario, tell);
  const tookMs = Math.round(performance.now() - begin);
  return { file, claim: scenario.claim, simulatedMs: scenario.untilMs, tookMs, log, violations };
}

async function printRun(session: Session, read: ReadScenario, quiet: boolean): Promise<Simulated> {
  session.print(session.paint(read.file, 'bold'));
  if (!quiet) [read.scenario.claim, ''].forEach((line) => session.print(line));
  const run = await simulate(read, quiet ? undefined : (line) => session.print(line));
  const { simulatedMs, tookMs, violations } = run;
  violations.forEach((line) => session.print(session.paint(`broken: ${line}`, 'red')));
  const verdict = violations.length === 0 ? 'every invariant held.' : `${violations.length} invariants broken.`;
  session.print(`${simulatedMs / 1000} s simulated in ${tookMs} ms: ${verdict}`);
  return run;
}

export const simCommands = [
  command({
    path: 'sim run',
    summary: 'run scenarios in a simulated fleet, on a virtual clock, with no server at all',
    parameters: [{ name: 'scenario', many: true }],
    flags: { quiet: { type: 'flag', short: 'q', summary: 'only whether every invariant held' } },
    examples: ['sim run scenarios/ha/restarts-in-priority-order', 'sim run my-fleet.txt -o json'],
    run: async (session, { parameters, flags }) => {
      const runs: Simulated[] = [];
      for (const read of await readScenarios(session, parameters.scenario))
        runs.push(session.isForPeople ? await printRun(session, read, flags.quiet) : await simulate(read));
      if (session.format === 'json' || session.format === 'yaml') session.printValue(runs);
      else if (session.format === 'name') runs.forEach(({ file }) => session.print(`scenario/${file}`));
      return runs.every(({ violations }) => violations.length === 0) ? 'done' : 'missed';
    },
  }),
  simFleetCommand,
  simSoakCommand,
  simWhatIfCommand,
];
