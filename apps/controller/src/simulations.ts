import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DrillFault, DrillPrediction } from '@argosy/control/fleet-types';
import type { Inventory } from '@argosy/control/ports/fleet-store';
import { refused, type RefusalCode, type Result } from '@argosy/domain/refusal';
import type { Simulation, SimulationWithReport } from '@argosy/domain/simulation';
import { formatDuration, type Instant } from '@argosy/domain/units';
import type { Page, PageRequest } from '@argosy/inventory/fleet-queries';
import type { SimulationStore } from '@argosy/inventory/simulation-store';
import { predictionOf, type SimulationProgress, type SimulationWork, type WorkMessage } from './simulation-work';

export interface SimulationLimits {
  readonly atOnce: number;
  readonly deadlineMs: number;
  readonly predictionsAtOnce: number;
  readonly predictionDeadlineMs: number;
  /** Of a thread's heap; typed arrays are beside it, and bounded by what may be asked for. */
  readonly heapMiB: number;
}

export const defaultSimulationLimits: SimulationLimits = {
  atOnce: 2,
  deadlineMs: 900_000,
  predictionsAtOnce: 2,
  predictionDeadlineMs: 15_000,
  heapMiB: 2048,
};

export interface SimulationPorts {
  readonly store: SimulationStore;
  readonly now: () => Instant;
  readonly say: (message: string) => void;
  readonly limits?: Partial<SimulationLimits>;
  /** The thread's program; another only in tests, which are not built. */
  readonly workerFile?: string;
}

interface Running {
  row: Simulation;
  readonly worker: Worker;
}

/** A new simulation, and what its thread is given. */
export type NewRun = Pick<Simulation, 'request' | 'title' | 'requestedBy'> & {
  readonly work: Exclude<SimulationWork, { kind: 'prediction' }>;
};

const cancelled = 'Somebody cancelled it.';
const abandoned = 'The controller that ran it ended, or another one leads now. Start it again.';

/** Simulations that were asked for over the API: each in a thread of its own, few at once, and none for ever. */
export class Simulations {
  private readonly running = new Map<string, Running>();
  /** Asked for, and not in the database yet. */
  private readonly starting = new Set<string>();
  private readonly limits: SimulationLimits;
  private readonly predicting = new Set<Worker>();

  constructor(private readonly ports: SimulationPorts) {
    this.limits = { ...defaultSimulationLimits, ...ports.limits };
  }

  get isFull(): boolean {
    return this.running.size + this.starting.size >= this.limits.atOnce;
  }
  get mayPredict(): boolean {
    return this.predicting.size < this.limits.predictionsAtOnce;
  }

  async start({ request, title, requestedBy, work }: NewRun): Promise<Simulation> {
    const id = randomUUID();
    this.starting.add(id);
    try {
      const row: Simulation = {
        id,
        request,
        title,
        state: 'running',
        progress: 0,
        outcome: '',
        requestedBy,
        createdAt: this.ports.now(),
        endedAt: null,
      };
      await this.ports.store.add(row);
      const worker = this.work(work, this.limits.deadlineMs, {
        progress: (progress) => this.takeProgress(id, progress),
        ended: (message) => void this.takeEnd(id, message),
      });
      this.running.set(id, { row, worker });
      return row;
    } finally {
      this.starting.delete(id);
    }
  }

  async list(page: PageRequest): Promise<Result<Page<Simulation>>> {
    await this.endAbandoned();
    const found = await this.ports.store.list(page);
    if (!found.ok) return found;
    return { ok: true, value: { ...found.value, items: found.value.items.map((row) => this.freshest(row)) } };
  }

  async get(id: string): Promise<SimulationWithReport | null> {
    await this.endAbandoned();
    const row = await this.ports.store.get(id);
    return row && this.freshest(row);
  }

  /** Value: the row as it is now; null: there is none. One that has ended stays as it is. */
  async cancel(id: string): Promise<SimulationWithReport | null> {
    if (await this.ports.store.end(id, { state: 'cancelled', outcome: cancelled, report: null, at: this.ports.now() }))
      await this.stopThread(id);
    return this.ports.store.get(id);
  }

  /** Value: whether it was there. */
  async remove(id: string): Promise<boolean> {
    const wasThere = await this.ports.store.remove(id);
    await this.stopThread(id);
    return wasThere;
  }

  /** What a drill would show. Nothing is kept of it. */
  predict(inventory: Inventory, fault: DrillFault): Promise<Result<DrillPrediction>> {
    return new Promise((resolve) => {
      const worker = this.work({ kind: 'prediction', inventory, fault }, this.limits.predictionDeadlineMs, {
        progress: () => undefined,
        ended: (message) => {
          this.predicting.delete(worker);
          resolve(predictionOf(message));
        },
      });
      this.predicting.add(worker);
    });
  }

  /** What has not ended is given up: nobody would take its report. */
  async close(): Promise<void> {
    const ids = [...this.running.keys()];
    await Promise.all([...this.predicting].map((worker) => worker.terminate()));
    for (const id of ids) {
      await this.stopThread(id);
      await this.ports.store
        .end(id, { state: 'failed', outcome: abandoned, report: null, at: this.ports.now() })
        .catch(() => false);
    }
  }

  private endAbandoned(): Promise<void> {
    return this.ports.store.endAllBut([...this.running.keys(), ...this.starting], abandoned, this.ports.now());
  }

  /** Progress is told only here. */
  private freshest<Row extends Simulation>(row: Row): Row {
    const live = this.running.get(row.id)?.row;
    return live && row.state === 'running' ? { ...row, progress: live.progress, outcome: live.outcome } : row;
  }

  private takeProgress(id: string, { share, text }: SimulationProgress): void {
    const run = this.running.get(id);
    if (run) run.row = { ...run.row, progress: share, outcome: text };
  }

  private async takeEnd(id: string, message: WorkMessage): Promise<void> {
    const at = this.ports.now();
    const end =
      message.kind === 'done'
        ? { state: 'done' as const, at, ...message.done }
        : {
            state: 'failed' as const,
            at,
            report: null,
            outcome: message.kind === 'refused' ? message.refusal.message : 'It gave no report.',
          };
    try {
      await this.ports.store.end(id, end);
    } catch (error) {
      this.ports.say(`the report of simulation ${id} could not be kept: ${String(error)}`);
    } finally {
      this.running.delete(id);
    }
  }

  private async stopThread(id: string): Promise<void> {
    const run = this.running.get(id);
    this.running.delete(id);
    await run?.worker.terminate();
  }

  /** `ended` is called once, whatever becomes of the thread. */
  private work(
    work: SimulationWork,
    deadlineMs: number,
    hear: { progress(progress: SimulationProgress): void; ended(message: WorkMessage): void },
  ): Worker {
    const worker = new Worker(this.ports.workerFile ?? join(__dirname, 'simulation-worker.js'), {
      workerData: work,
      resourceLimits: { maxOldGenerationSizeMb: this.limits.heapMiB },
    });
    let isOver = false;
    const end = (message: WorkMessage): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      hear.ended(message);
      void worker.terminate();
    };
    const failed = (code: RefusalCode, why: string): void => end({ kind: 'refused', ...refused(code, why) });
    const late = `It was not over after ${formatDuration(deadlineMs)}, and was stopped. Ask for less.`;
    const timer = setTimeout(() => failed('deadline-passed', late), deadlineMs).unref();
    worker.on('message', (message: WorkMessage) =>
      message.kind === 'progress' ? hear.progress(message.progress) : end(message),
    );
    worker.on('error', (error: Error) => failed('invalid-request', `The simulation failed: ${error.message}`));
    worker.on('exit', () => failed('deadline-passed', 'The simulation was stopped before its end.'));
    return worker;
  }
}
