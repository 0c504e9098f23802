import { createRandom, type Random } from './random';

/** Of each day, made once: guests share them, each from a moment of its own. */
const patternCount = 500;
const samplesADay = 288;
/** A company's people are some hours apart, not all around the world. */
const timeZones = 6;

/**
 * What a guest asks for, as a share of its processors: it follows the day around a mean of its own, with noise that lasts a little and
 * bursts that last longer.
 */
export function dailyDemand(count: number, random: Random, from = 0): Float32Array {
  // Most guests do little and some do much.
  const mean = 0.03 + 0.35 * random.next() ** 2;
  const rhythm = 0.8 * random.next();
  const phase = (2 * Math.PI * random.below(timeZones)) / 24;
  const burstStarts = 0.01 * random.next();
  const shares = new Float32Array(count);
  let noise = 0;
  let burst = 0;
  for (let sample = 0; sample < count; sample++) {
    noise = 0.6 * noise + 0.5 * (random.next() - 0.5);
    burst = random.next() < burstStarts ? 0.3 + 0.5 * random.next() : burst < 0.05 ? 0 : burst * 0.8;
    const day = 1 + rhythm * Math.sin(phase + (2 * Math.PI * (from + sample)) / samplesADay);
    shares[sample] = Math.max(0.005, mean * day * (1 + noise) + burst);
  }
  return shares;
}

/** The demand of any number of guests, by their names: the same seed gives the same guest the same day, wherever and whenever it runs. */
export class DemandPatterns {
  private readonly patterns: readonly Float32Array[];

  constructor(seed: number) {
    const random = createRandom(seed);
    this.patterns = Array.from({ length: patternCount }, () => dailyDemand(samplesADay, random));
  }

  /** `days` since whenever: its fraction is the time of day. A straight line between two samples; 0 to 1. */
  shareOf(guestName: string, days: number): number {
    const pattern = this.patterns[hashOf(guestName) % patternCount]!;
    const place = (days - Math.floor(days)) * samplesADay;
    const before = Math.floor(place) % samplesADay;
    const [from, to] = [pattern[before]!, pattern[(before + 1) % samplesADay]!];
    return Math.min(1, from + (to - from) * (place - Math.floor(place)));
  }
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}
