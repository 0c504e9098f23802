import type { DrillFault, DrillPrediction } from '@argosy/control/fleet-types';
import type { Inventory } from '@argosy/control/ports/fleet-store';
import { refused, type Refusal, type Result } from '@argosy/domain/refusal';
import {
  type FleetPolicyName,
  type FleetRunRequest,
  type GuestOutlook,
  guestFates,
  type SimulationReport,
  type WhatIfRequest,
} from '@argosy/domain/simulation';
import { fleetRunReport } from '@argosy/simulator/fleet/figures';
import { fleetPolicies } from '@argosy/simulator/fleet/policies';
import { FleetRun } from '@argosy/simulator/fleet/run';
import { syntheticHosts, syntheticWorkload } from '@argosy/simulator/fleet/synthetic';
import { predictDrill } from '@argosy/simulator/predict';
import { type Premises, whatIf } from '@argosy/simulator/what-if';

/** What a thread is given, whole: it asks nobody for anything. */
export type SimulationWork =
  | {
      readonly kind: 'what-if';
      readonly request: WhatIfRequest;
      readonly premises: Premises;
    }
  | { readonly kind: 'fleet'; readonly request: FleetRunRequest }
  | { readonly kind: 'prediction'; readonly inventory: Inventory; readonly fault: DrillFault };

export interface SimulationProgress {
  readonly share: number;
  readonly text: string;
}

export interface WorkDone {
  readonly report: SimulationReport;
  /** In a sentence. */
  readonly outcome: string;
}

/** What a thread says; the last message has the result. */
export type WorkMessage =
  | { readonly kind: 'progress'; readonly progress: SimulationProgress }
  | { readonly kind: 'done'; readonly done: WorkDone }
  | { readonly kind: 'predicted'; readonly prediction: DrillPrediction }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

type Tell = (progress: SimulationProgress) => void;

/** Of what happened in a what-if so many lines are kept. */
const mostLogLines = 2000;

export function doWork(work: SimulationWork, clock: () => number, tell: Tell): WorkMessage {
  switch (work.kind) {
    case 'what-if':
      return whatIfDone(work, tell);
    case 'fleet':
      return { kind: 'done', done: fleetRun(work.request, clock, tell) };
    case 'prediction': {
      const answer = predictDrill(work.inventory, work.fault);
      return answer.ok ? { kind: 'predicted', prediction: answer.value } : { kind: 'refused', refusal: answer.refusal };
    }
  }
}

function whatIfDone({ request, premises }: Extract<SimulationWork, { kind: 'what-if' }>, tell: Tell): WorkMessage {
  if (premises.facts.hosts.length === 0)
    return { kind: 'refused', ...refused('unknown-host', 'The pool has no host: there is nothing to simulate.') };
  const { changes, forMs } = request;
  const answer = whatIf(premises, {
    changes,
    forMs,
    onProgress: (share) =>
      tell({ share, text: `${Math.round((share * forMs) / 1000)} of ${Math.round(forMs / 1000)} s simulated` }),
  });
  if (!answer.ok) return { kind: 'refused', refusal: answer.refusal };
  const { log, guests } = answer.value;
  const outcome = guests.length === 0 ? 'Every guest stays where it is.' : `Guests that ${fatesOf(guests)}.`;
  const left = log.length - mostLogLines;
  const kept = left > 0 ? [...log.slice(0, mostLogLines), `… and ${left} lines more`] : log;
  return { kind: 'done', done: { report: { kind: 'what-if', ...answer.value, log: kept }, outcome } };
}

const fateWords = { moved: 'move', restarted: 'start again', down: 'stay down' } as const;

function fatesOf(guests: readonly GuestOutlook[]): string {
  const counts = guestFates.map((fate) => [fate, guests.filter((guest) => guest.fate === fate).length] as const);
  return counts.flatMap(([fate, count]) => (count === 0 ? [] : [`${fateWords[fate]}: ${count}`])).join(', ');
}

function fleetRun(request: FleetRunRequest, clock: () => number, tell: Tell): WorkDone {
  const { policies } = request;
  const hosts = syntheticHosts(request);
  const workload = syntheticWorkload(request);
  const results = policies.map((name: FleetPolicyName, index) => {
    tell({ share: index / policies.length, text: `${name}: placing ${workload.names.length} guests` });
    const policy = fleetPolicies[name].create();
    const run = new FleetRun({ hosts, workload, memoryEnforced: true, idleGuestsEnd: false, policy, clock });
    while (run.advance()) {
      const share = (index + run.step / workload.lastStep) / policies.length;
      tell({ share, text: `${name}: step ${run.step} of ${workload.lastStep}` });
    }
    return run.result();
  });
  const report = fleetRunReport(
    {
      hosts: hosts.length,
      guests: workload.names.length,
      simulatedSeconds: (workload.lastStep + 1) * workload.stepSeconds,
    },
    results,
  );
  const outcome = results.map((each) => `${each.policy}: ${each.energyKWh.toFixed(1)} kWh`).join(', ');
  return { report: { kind: 'fleet', ...report }, outcome: `${outcome}.` };
}

/** What a thread's last message is worth to whoever waits for a prediction. */
export function predictionOf(message: WorkMessage): Result<DrillPrediction> {
  if (message.kind === 'predicted') return { ok: true, value: message.prediction };
  if (message.kind === 'refused') return { ok: false, refusal: message.refusal };
  return refused('invalid-request', 'The simulation gave no prediction.');
}
