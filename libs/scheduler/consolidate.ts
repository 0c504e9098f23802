import { DemandEstimate } from './consolidate-estimate';
import { type ConsolidationView, Fill } from './consolidate-fill';

export interface ConsolidationOptions {
  /** After this many steps an observation counts half. */
  readonly halfLifeSteps: number;
  /** What a host must be able to bear: the mean of its guests' demand and so many standard deviations of their sum. */
  readonly scatter: number;
  /** Above this share a host gives guests away. */
  readonly relieveAboveShare: number;
  /** Up to this share a host takes guests of another that is too full, and up to the next one those of a host that is emptied. */
  readonly fillShare: number;
  readonly emptyingFillShare: number;
  /** A host is emptied when what it draws for being on, over the horizon, is so much for each guest that has to move. */
  readonly horizonHours: number;
  readonly wattHoursPerMove: number;
  /** For so many steps a guest that has moved is not moved to empty a host. */
  readonly coolDownSteps: number;
  readonly memoryEnforced: boolean;
}

export const consolidationDefaults: ConsolidationOptions = {
  halfLifeSteps: 12,
  scatter: 3,
  relieveAboveShare: 1,
  fillShare: 0.95,
  emptyingFillShare: 0.9,
  horizonHours: 2,
  wattHoursPerMove: 4,
  coolDownSteps: 6,
  memoryEnforced: true,
};

export interface ConsolidationMove {
  readonly guest: number;
  readonly from: number;
  readonly to: number;
  /** The host was too full, or could be done without. */
  readonly reason: 'relieve' | 'empty';
}

/** A host is looked at for emptying until so many could not be: those after them are fuller still. */
const failuresInARow = 3;

/**
 * Keeps few hosts on, and those not too full. What guests ask for from one step to the next is mostly noise around a mean that moves
 * slowly, so it answers to the mean and to the size of the noise, not to each rise: a guest is moved when its host is expected to be too
 * full for long, or when its host can be done without for long. (Beloglazov and Buyya 2012 answer to the last observations instead.)
 */
export class Consolidator {
  private readonly estimate: DemandEstimate;
  private readonly movedAt: Int32Array;
  private step = 0;

  constructor(
    private readonly view: ConsolidationView,
    private readonly options: ConsolidationOptions,
  ) {
    this.estimate = new DemandEstimate(view.guestCapacityMHz, options.halfLifeSteps);
    this.movedAt = new Int32Array(view.hostOf.length).fill(-options.coolDownSteps);
  }

  /** The fleet as it stands, for guests that are to start. The caller puts each where it is started. */
  fill(memoryEnforced = this.options.memoryEnforced): Fill {
    return new Fill(this.view, this.estimate, { scatter: this.options.scatter, memoryEnforced });
  }

  /** The host on which a guest starts; -1: none takes it. Where processors need not be reserved, a host with the memory is enough. */
  place(fill: Fill, guest: number, reserved: boolean): number {
    const fullest = fill.fullestFor(guest, this.options.fillShare, () => true);
    const host = fullest >= 0 ? fullest : fill.offFor(guest);
    return host >= 0 || reserved ? host : fill.emptiestFor(guest);
  }

  /** Once each step, when demand has been measured. The moves are in the order in which they were thought of. */
  decide(): readonly ConsolidationMove[] {
    this.step++;
    this.estimate.observe(this.view.demandMHz, this.view.hostOf);
    const fill = this.fill();
    const moves: ConsolidationMove[] = [];
    const touched = new Uint8Array(this.view.capacityMHz.length);
    this.relieve(fill, touched, moves);
    this.empty(fill, touched, moves);
    for (const { guest } of moves) this.movedAt[guest] = this.step;
    return moves;
  }

  private relieve(fill: Fill, touched: Uint8Array, moves: ConsolidationMove[]): void {
    const { relieveAboveShare, fillShare } = this.options;
    const moved = new Set<number>();
    for (let host = 0; host < touched.length; host++) {
      while (fill.share(host) > relieveAboveShare) {
        const guest = this.cheapestRelief(fill, host, moved);
        if (guest < 0) break;
        fill.take(guest, host);
        let target = fill.fullestFor(guest, fillShare, (other) => other !== host);
        if (target < 0) target = fill.offFor(guest);
        moved.add(guest);
        fill.put(guest, target < 0 ? host : target);
        if (target < 0) continue;
        touched[host] = touched[target] = 1;
        moves.push({ guest, from: host, to: target, reason: 'relieve' });
      }
    }
  }

  /** Of the guests whose going is enough, the one that is moved most easily; if none is, the one that brings most for its move. */
  private cheapestRelief(fill: Fill, host: number, moved: ReadonlySet<number>): number {
    const { relieveAboveShare } = this.options;
    const share = fill.share(host);
    let found = -1;
    let best = Infinity;
    let isEnough = false;
    for (const guest of fill.guestsOn[host]!) {
      if (moved.has(guest)) continue;
      const without = fill.shareWithout(host, guest);
      const enough = without <= relieveAboveShare;
      if (isEnough && !enough) continue;
      const cost = this.moveCost(guest) / (enough ? 1 : Math.max(share - without, 1e-9));
      if (enough === isEnough && cost >= best) continue;
      [found, best, isEnough] = [guest, cost, enough];
    }
    return found;
  }

  /** A copy takes as long as the memory is large, and what it slows down is what the guest does. */
  private moveCost(guest: number): number {
    return this.view.guestMemoryMiB[guest]! * (copyOverheadMHz + this.estimate.meanMHz[guest]!);
  }

  /** The worst kind of host first, and of each kind the emptiest. */
  private empty(fill: Fill, touched: Uint8Array, moves: ConsolidationMove[]): void {
    const hosts = [...touched.keys()].filter((host) => fill.guestsOn[host]!.length > 0);
    const room = Float64Array.from(touched, (_, host) => fill.room(host));
    hosts.sort((one, other) => fill.kind(other) - fill.kind(one) || room[other]! - room[one]!);
    const emptied = new Uint8Array(touched.length);
    let failures = 0;
    for (const host of hosts) {
      if (failures === failuresInARow) return;
      if (touched[host] || !this.isWorthEmptying(fill, host)) continue;
      emptied[host] = 1;
      const found = this.placesFor(fill, host, emptied);
      if (found === null) {
        emptied[host] = 0;
        failures++;
        continue;
      }
      failures = 0;
      for (const move of found) touched[move.to] = 1;
      moves.push(...found);
    }
  }

  private isWorthEmptying(fill: Fill, host: number): boolean {
    const { horizonHours, wattHoursPerMove, coolDownSteps } = this.options;
    const guests = fill.guestsOn[host]!;
    if (this.view.idleWatts[host]! * horizonHours < wattHoursPerMove * guests.length) return false;
    return guests.every((guest) => this.step - this.movedAt[guest]! >= coolDownSteps);
  }

  /** The largest guests first, since they are the hardest to place; null, and nothing changed, when one finds no place. */
  private placesFor(fill: Fill, host: number, emptied: Uint8Array): ConsolidationMove[] | null {
    const { view, estimate } = this;
    const size = (guest: number): number =>
      estimate.meanMHz[guest]! / view.capacityMHz[host]! +
      (this.options.memoryEnforced ? view.guestMemoryMiB[guest]! / view.hostMemoryMiB[host]! : 0);
    const guests = [...fill.guestsOn[host]!].sort((one, other) => size(other) - size(one));
    const moves: ConsolidationMove[] = [];
    for (const guest of guests) {
      const to = fill.fullestFor(guest, this.options.emptyingFillShare, (other) => emptied[other] === 0);
      if (to < 0) {
        for (const move of moves.reverse()) {
          fill.take(move.guest, move.to);
          fill.put(move.guest, host);
        }
        return null;
      }
      fill.take(guest, host);
      fill.put(guest, to);
      moves.push({ guest, from: host, to, reason: 'empty' });
    }
    return moves;
  }
}

/** What copying itself takes of the two hosts. */
const copyOverheadMHz = 200;
