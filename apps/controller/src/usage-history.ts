import type { Host } from '@argosy/domain/entities';
import type { HostHeartbeat, HostReport } from '@argosy/domain/host-report';
import type { Instant } from '@argosy/domain/units';

/** One point is the mean of so long; they reach back an hour. */
export const pointMs = 20_000;
export const keptPoints = 180;
const looksInAPoint = 4;
/** A host that says nothing for longer is a gap, and not what it said last. */
const heardWithinMs = 10_000;

interface Sum {
  used: number;
  wanted: number;
  looks: number;
}

/** A ring of points; what is not known is NaN. */
class Ring {
  private readonly used = new Float32Array(keptPoints).fill(NaN);
  private readonly wanted = new Float32Array(keptPoints).fill(NaN);
  /** The last point of which something was known. */
  last = -1;

  put(point: number, { used, wanted, looks }: Sum): void {
    // What lies between was not known, and is not what it was an hour ago.
    for (let gap = Math.max(this.last + 1, point - keptPoints + 1); gap < point; gap++) this.clear(gap);
    this.used[point % keptPoints] = used / looks;
    this.wanted[point % keptPoints] = wanted / looks;
    this.last = point;
  }

  at(point: number): { readonly used: number; readonly wanted: number } | null {
    if (point > this.last || point <= this.last - keptPoints || point < 0) return null;
    const [used, wanted] = [this.used[point % keptPoints]!, this.wanted[point % keptPoints]!];
    return Number.isNaN(used) ? null : { used: Math.round(used), wanted: Math.round(wanted) };
  }

  private clear(point: number): void {
    this.used[point % keptPoints] = NaN;
  }
}

export interface UsagePoints {
  readonly everyMs: number;
  readonly at: readonly Instant[];
  readonly usedMillicores: readonly (number | null)[];
  readonly wantedMillicores: readonly (number | null)[];
}

export interface UsageHeat {
  readonly everyMs: number;
  readonly at: readonly Instant[];
  readonly hosts: readonly { readonly hostId: string; readonly usedPermille: readonly (number | null)[] }[];
}

const permille = (used: number | null, capacity: number): number | null =>
  used === null || capacity === 0 ? null : Math.round((1000 * used) / capacity);

/**
 * What hosts and guests used of processors in the last hour, by the reports that every controller hears: so one that
 * begins to lead has it as well, and only one that has just started has less. It is for people to look at. Nothing is
 * decided by it, so it is in no database: for 20,000 guests it is 30 MB here, and would be a thousand rows each second there.
 */
export class UsageHistory {
  private readonly latest = new Map<string, { readonly report: HostReport; heardAt: Instant }>();
  private readonly sums = new Map<string, Sum>();
  private readonly rings = new Map<string, Ring>();
  /** Points are counted from the start: the clock may be set. */
  private readonly times: Instant[] = [];
  private looks = 0;
  private count = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly now: () => Instant) {
    this.timer = setInterval(() => this.look(), pointMs / looksInAPoint).unref();
  }

  hear(report: HostReport): void {
    this.latest.set(report.hostId, { report, heardAt: this.now() });
  }

  /** What was heard of them last is still so. */
  holds(heartbeats: readonly Pick<HostHeartbeat, 'hostId' | 'sequence'>[]): void {
    for (const { hostId, sequence } of heartbeats) {
      const known = this.latest.get(hostId);
      if (known?.report.sequence === sequence) known.heardAt = this.now();
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Takes in what was heard last; several times in each point, so that it is a mean and not one moment. */
  look(): void {
    const now = this.now();
    for (const [hostId, { report, heardAt }] of this.latest) {
      if (now - heardAt > heardWithinMs) {
        this.latest.delete(hostId);
        continue;
      }
      this.add(hostId, report.cpuMillicores, report.cpuMillicores);
      for (const { guestId, usage } of report.guests)
        if (usage !== null) this.add(guestId, usage.cpuMillicores, usage.cpuDemandMillicores);
    }
    if (++this.looks < looksInAPoint) return;
    this.looks = 0;
    this.endPoint(now);
  }

  /** The hour of one host or guest, oldest first. */
  of(id: string): UsagePoints {
    const points = this.points();
    const ring = this.rings.get(id);
    const seen = points.map((point) => ring?.at(point) ?? null);
    return {
      everyMs: pointMs,
      at: points.map((point) => this.times[point % keptPoints]!),
      usedMillicores: seen.map((each) => each?.used ?? null),
      wantedMillicores: seen.map((each) => each?.wanted ?? null),
    };
  }

  /** The hour of hosts, as shares of what they have. */
  heat(hosts: readonly Pick<Host, 'id' | 'capacity'>[]): UsageHeat {
    const points = this.points();
    return {
      everyMs: pointMs,
      at: points.map((point) => this.times[point % keptPoints]!),
      hosts: hosts.map(({ id, capacity }) => ({
        hostId: id,
        usedPermille: points.map((point) =>
          permille(this.rings.get(id)?.at(point)?.used ?? null, capacity.cpuMillicores),
        ),
      })),
    };
  }

  private points(): number[] {
    const first = Math.max(0, this.count - keptPoints);
    return Array.from({ length: this.count - first }, (_, index) => first + index);
  }

  private add(id: string, used: number, wanted: number): void {
    let sum = this.sums.get(id);
    if (!sum) this.sums.set(id, (sum = { used: 0, wanted: 0, looks: 0 }));
    sum.used += used;
    sum.wanted += wanted;
    sum.looks += 1;
  }

  private endPoint(now: Instant): void {
    const point = this.count++;
    this.times[point % keptPoints] = now;
    for (const [id, sum] of this.sums) {
      let ring = this.rings.get(id);
      if (!ring) this.rings.set(id, (ring = new Ring()));
      ring.put(point, sum);
    }
    this.sums.clear();
    for (const [id, { last }] of this.rings) if (last <= point - keptPoints) this.rings.delete(id);
  }
}
