import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SoakRun } from '@argosy/simulator/soak/soak';
import { command } from '../command';
import type { Session } from '../session';

interface Outcome {
  readonly first: number;
  readonly seeds: number;
  readonly tookMs: number;
  readonly broken: readonly SoakRun[];
}

/** Each worker takes every so-many-th seed, so that all end at about the same time. */
function runShare(share: { first: number; step: number; end: number }, hear: (run: SoakRun) => void): Promise<void> {
  return new Promise((done, fail) => {
    const worker = new Worker(join(__dirname, '../soak-worker.js'), { workerData: share });
    worker.on('message', hear);
    worker.on('error', fail);
    worker.on('exit', (status) => (status === 0 ? done() : fail(new Error(`a worker ended with status ${status}`))));
  });
}

async function soak(session: Session, first: number, seeds: number, workers: number): Promise<Outcome> {
  const begin = performance.now();
  const broken: SoakRun[] = [];
  let done = 0;
  const hear = (run: SoakRun): void => {
    done++;
    if (run.scenario !== null) broken.push(run);
    session.progress(`${done} of ${seeds} seeds, ${broken.length} with a broken promise`);
  };
  const shares = Array.from({ length: Math.min(workers, seeds) }, (_, index) => ({
    first: first + index,
    step: workers,
    end: first + seeds,
  }));
  await Promise.all(shares.map((share) => runShare(share, hear)));
  session.clearProgress();
  return {
    first,
    seeds,
    tookMs: Math.round(performance.now() - begin),
    broken: broken.sort((a, b) => a.seed - b.seed),
  };
}

export const simSoakCommand = command({
  path: 'sim soak',
  summary: 'run fleets under random faults, each from its seed, and shrink what breaks a promise to a short scenario',
  parameters: [],
  flags: {
    seeds: { type: 'count', summary: 'how many (default 100)' },
    first: { type: 'count', summary: 'the first of them (default 1)' },
    workers: { type: 'count', summary: 'how many at the same time (default: one for each processor)' },
    write: {
      type: 'text',
      placeholder: 'folder',
      summary: 'where the short scenarios are written to, besides being printed',
    },
  },
  examples: ['sim soak --seeds 1000 --first 1', 'sim soak --seeds 1 --first 4711 --write .'],
  run: async (session, { flags }) => {
    const { seeds = 100, first = 1, workers = availableParallelism() } = flags;
    const outcome = await soak(session, first, seeds, workers);
    for (const { seed, scenario } of outcome.broken)
      if (flags.write !== undefined)
        writeFileSync(join(resolve(session.io.currentFolder, flags.write), `soak-${seed}.txt`), scenario ?? '');
    if (session.format === 'json' || session.format === 'yaml') session.printValue(outcome);
    else print(session, outcome);
    return outcome.broken.length === 0 ? 'done' : 'missed';
  },
});

function print(session: Session, { first, seeds, tookMs, broken }: Outcome): void {
  for (const { seed, violations, scenario } of broken) {
    session.print(session.paint(`seed ${seed}`, 'bold'));
    for (const violation of violations.slice(0, 5)) session.print(session.paint(`broken: ${violation}`, 'red'));
    session.print('in short (argosy sim run FILE):');
    session.print(scenario ?? '');
  }
  const verdict = broken.length === 0 ? 'every promise was kept' : `${broken.length} broke a promise`;
  session.print(`seeds ${first} to ${first + seeds - 1} in ${(tookMs / 1000).toFixed(1)} s: ${verdict}.`);
}
