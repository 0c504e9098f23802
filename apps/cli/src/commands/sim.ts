import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { command } from '../command';
import { Failure } from '../failure';
import type { Session } from '../session';

function readScenario(session: Session, path: string): { readonly file: string; readonly text: string } {
  try {
    const given = resolve(session.io.currentFolder, path);
    const file = statSync(given).isDirectory() ? join(given, 'scenario.txt') : given;
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new Failure('no-file', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

export const simCommands = [
  command({
    path: 'sim run',
    summary: 'run scenarios in a simulated fleet, on a virtual clock, with no server at all',
    parameters: [{ name: 'scenario', many: true }],
    flags: { quiet: { type: 'flag', short: 'q', summary: 'only whether every invariant held' } },
    examples: ['sim run scenarios/ha/restarts-in-priority-order', 'sim run my-fleet.txt -o json'],
    run: async (session, { parameters, flags }) => {
      // Loaded here, because no other command needs the brain.
      const [{ parseScenario }, { runScenario }] = await Promise.all([import('@argosy/simulator/scenario-text'), import('@argosy/simulator/scenario')]);
      const results = parameters.scenario.map((path) => {
        const { file, text } = readScenario(session, path);
        const parsed = parseScenario(text, path);
        if (!parsed.ok) throw new Failure('invalid-request', parsed.refusal.message);
        const begin = performance.now();
        const run = runScenario(parsed.value);
        return { file, claim: parsed.value.claim, simulatedMs: parsed.value.untilMs, tookMs: Math.round(performance.now() - begin), ...run };
      });
      const broken = results.filter(({ violations }) => violations.length > 0);
      if (session.format === 'json' || session.format === 'yaml') session.printValue(results);
      else if (session.format === 'name') results.forEach(({ file }) => session.print(`scenario/${file}`));
      else {
        for (const { file, claim, log, violations, simulatedMs, tookMs } of results) {
          if (results.length > 1 || flags.quiet) session.print(session.paint(file, 'bold'));
          if (claim !== '' && !flags.quiet) session.print(`${claim}\n`);
          if (!flags.quiet) log.forEach((line) => session.print(line));
          violations.forEach((line) => session.print(session.paint(`broken: ${line}`, 'red')));
          session.print(`${simulatedMs / 1000} s simulated in ${tookMs} ms: ${violations.length === 0 ? 'every invariant held.' : `${violations.length} broken.`}`);
        }
      }
      return broken.length === 0 ? 'done' : 'missed';
    },
  }),
];
