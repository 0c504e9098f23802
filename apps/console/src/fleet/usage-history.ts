import type { HostUsage } from '@argosy/contracts/responses';

/** What was heard since the page was opened. Times in seconds, as uPlot wants them. */
export interface Series {
  readonly at: number[];
  readonly used: number[];
  /** Of guests: what it would have used with no neighbour. */
  readonly wanted: number[];
}

const samples = 600;
/** Beyond so many guests only hosts are recorded, and the guest that is looked at. */
const mostGuests = 1000;
const series = new Map<string, Series>();
const watched = new Set<string>();

export function readSeries(id: string): Series {
  return series.get(id) ?? { at: [], used: [], wanted: [] };
}

interface Past {
  readonly at: readonly number[];
  readonly usedMillicores: readonly (number | null)[];
  readonly wantedMillicores: readonly (number | null)[];
}

/** The controller's coarser points as far back as they go, and from the first second that was heard here on, those. */
export function withPast(id: string, past: Past | undefined): [number[], (number | null)[], (number | null)[]] {
  const { at, used, wanted } = readSeries(id);
  const firstMs = (at[0] ?? Infinity) * 1000;
  const after = past?.at.findIndex((each) => each >= firstMs) ?? 0;
  const kept = after < 0 ? past!.at.length : after;
  return [
    [...(past?.at.slice(0, kept).map((each) => each / 1000) ?? []), ...at],
    [...(past?.usedMillicores.slice(0, kept) ?? []), ...used],
    [...(past?.wantedMillicores.slice(0, kept) ?? []), ...wanted],
  ];
}

export function watchGuest(id: string): () => void {
  watched.add(id);
  return () => watched.delete(id);
}

export function recordUsage({ hostId, heardAt, cpuMillicores, guests }: HostUsage): void {
  const at = (heardAt ?? Date.now()) / 1000;
  push(hostId, at, cpuMillicores, cpuMillicores);
  for (const { guestId, usage } of guests) {
    if (usage === null || (series.size > mostGuests && !watched.has(guestId))) continue;
    push(guestId, at, usage.cpuMillicores, usage.cpuDemandMillicores);
  }
}

function push(id: string, at: number, used: number, wanted: number): void {
  let own = series.get(id);
  if (own === undefined) series.set(id, (own = { at: [], used: [], wanted: [] }));
  // A migrating guest is reported by both of its hosts.
  if (at <= (own.at.at(-1) ?? 0)) return;
  own.at.push(at);
  own.used.push(used);
  own.wanted.push(wanted);
  if (own.at.length <= samples) return;
  own.at.shift();
  own.used.shift();
  own.wanted.shift();
}
