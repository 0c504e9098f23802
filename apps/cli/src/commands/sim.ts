import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
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

interface Simulated {
  readonly file: string;
  readonly claim: string;
  readonly simulatedMs: number;
  readonly tookMs: number;
  readonly log: readonly string[];
  readonly violations: readonly string[];
}

async function simulate(session: Session, paths: readonly string[]): Promise<Simulated[]> {
  // Loaded here, because no other command needs the brain.
  const { parseScenario } = await import('@argosy/simulator/scenario-text');
  const { runScenario } = await import('@argosy/simulator/scenario');
  return paths.map((path) => {
    const { file, text } = readScenario(session, path);
    const parsed = parseScenario(text, path);
    if (!parsed.ok) throw new Failure(parsed.refusal.code, parsed.refusal.message);
    const begin = performance.now();
    const { log, violations } = runScenario(parsed.value);
    const tookMs = Math.round(performance.now() - begin);
    return { file, claim: parsed.value.claim, simulatedMs: parsed.value.untilMs, tookMs, log, violations };
  });
}

function printRun(
  session: Session,
  { file, claim, simulatedMs, tookMs, log, violations }: Simulated,
  quiet: boolean,
): void {
  session.print(session.paint(file, 'bold'));
  if (!quiet) [claim, '', ...log].forEach((line) => session.print(line));
  violations.forEach((line) => session.print(session.paint(`broken: ${line}`, 'red')));
  const verdict = violations.length === 0 ? 'every invariant held.' : `${violations.length} invariants broken.`;
  session.print(`${simulatedMs / 1000} s simulated in ${tookMs} ms: ${verdict}`);
}

export const simCommands = [
  command({
    path: 'sim run',
    summary: 'run scenarios in a simulated fleet, on a virtual clock, with no server at all',
    parameters: [{ name: 'scenario', many: true }],
    flags: { quiet: { type: 'flag', short: 'q', summary: 'only whether every invariant held' } },
    examples: ['sim run scenarios/ha/restarts-in-priority-order', 'sim run my-fleet.txt -o json'],
    run: async (session, { parameters, flags }) => {
      const runs = await simulate(session, parameters.scenario);
      if (session.format === 'json' || session.format === 'yaml') session.printValue(runs);
      else if (session.format === 'name') runs.forEach(({ file }) => session.print(`scenario/${file}`));
      else runs.forEach((run) => printRun(session, run, flags.quiet));
      return runs.every(({ violations }) => violations.length === 0) ? 'done' : 'missed';
    },
  }),
  simFleetCommand,
  simSoakCommand,
  simWhatIfCommand,
];
