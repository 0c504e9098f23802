import type { Drill, DrillPhase, GuestOutage } from '@argosy/domain/drill';
import { formatDuration } from '@argosy/domain/units';
import type { Lookup } from '../lookup';
import { paint, plain, tableLines, type Cell } from './table';
import { duration, exactTime, nothing } from './units';
import { colourOfState } from './columns';

function phaseCells({ name, objectiveMs, predictedMs, measuredMs, met }: DrillPhase): Cell[] {
  const isMet: Cell = met === null ? { text: nothing } : { text: met ? 'yes' : 'NO', colour: met ? 'green' : 'red' };
  const reached = measuredMs === null ? 'not reached' : duration(measuredMs);
  return [
    { text: name },
    { text: duration(objectiveMs) },
    { text: duration(predictedMs) },
    { text: reached },
    { text: predictionError(predictedMs, measuredMs) },
    isMet,
  ];
}

/** By how much it took longer than predicted, or less long. */
function predictionError(predictedMs: number | null, measuredMs: number | null): string {
  if (predictedMs === null || measuredMs === null) return nothing;
  const errorMs = measuredMs - predictedMs;
  return `${errorMs < 0 ? '−' : '+'}${duration(Math.abs(errorMs))}`;
}

function outageCells({ guestName, fromHostId, toHostId, predictedMs, outageMs }: GuestOutage, lookup: Lookup): Cell[] {
  const cameBack: Cell =
    outageMs === null ? { text: 'did not come back', colour: 'red' } : { text: duration(outageMs) };
  return [
    { text: plain(guestName) },
    { text: lookup.nameOf('host', fromHostId) },
    { text: lookup.nameOf('host', toHostId) },
    { text: duration(predictedMs) },
    cameBack,
  ];
}

function outageSummary(outages: readonly GuestOutage[]): string {
  const back = outages.flatMap(({ outageMs }) => (outageMs === null ? [] : [outageMs]));
  const longest = back.length === 0 ? '' : ` Longest outage ${formatDuration(Math.max(...back))}.`;
  return `${back.length} of ${outages.length} guests came back.${longest}`;
}

/** What was expected, what happened, and what follows from it. Times are from the injection. */
export function drillReport(drill: Drill, lookup: Lookup, useColour: boolean): string[] {
  const { id, kind, hostId, guestId, state, phases, outages, verdict, explanation, injectedAt } = drill;
  const target = guestId === null ? lookup.nameOf('host', hostId) : lookup.nameOf('guest', guestId);
  const injected = injectedAt === null ? 'nothing injected yet' : `injected ${exactTime(injectedAt)}`;
  const timeline = tableLines(phases.map(phaseCells), {
    titles: ['PHASE', 'OBJECTIVE', 'PREDICTED', 'MEASURED', 'ERROR', 'MET'],
    right: [false, true, true, true, true, false],
    useColour,
  });
  const losses = tableLines(
    outages.map((outage) => outageCells(outage, lookup)),
    {
      titles: ['GUEST', 'FROM', 'TO', 'PREDICTED', 'OUTAGE'],
      right: [false, false, false, true, true],
      useColour,
    },
  );
  return [
    `Drill ${id}: ${kind} of ${target}, ${state}, ${injected}`,
    '',
    ...timeline,
    '',
    ...(outages.length === 0 ? ['No guest was on it.'] : [...losses, '', outageSummary(outages)]),
    `Verdict: ${verdict === null ? 'none yet' : paint(verdict === 'met' ? 'objectives met' : 'objectives MISSED', colourOfState(verdict), useColour)}`,
    ...(explanation === '' ? [] : [plain(explanation)]),
  ];
}
