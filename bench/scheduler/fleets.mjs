// Fleets from a seed: the same on every machine and at every run.

/** @typedef {{ id: string, name: string, use: string, useReason: string, cpuMillicores: number, memoryMiB: number, failureDomain: string | null, missingDatastores: Map<string, string> }} HostFigures */
/** @typedef {{ id: string, name: string, hostId: string | null, cpuDemandMillicores: number, cpuReservationMillicores: number, memoryMiB: number, dirtyBytesPerSecond: number, datastores: readonly never[], pinned: boolean }} GuestFigures */
/** @typedef {{ name: string, kind: string, guestIds: string[], hostIds: string[] }} RuleFigures */

/**
 * @param {number} seed
 * @returns {() => number} from 0 up to 1, by Marsaglia's xorshift of 32 bits
 */
export function seeded(seed) {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/**
 * @template Item
 * @param {() => number} random
 * @param {readonly Item[]} items
 * @returns {Item}
 */
export function pick(random, items) {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
}

/** Three generations of servers, cores and GiB. */
const hostKinds = [
  [32, 128],
  [48, 384],
  [64, 256],
];
/** Cores, as providers sell them: small ones are asked for most. */
const sizes = [1, 1, 1, 1, 2, 2, 2, 4, 4, 8, 16];
/** GiB of memory for each core: for computing, general use, and memory. */
const ratios = [2, 4, 4, 8];

/**
 * @param {number} number
 * @param {Partial<HostFigures>} [changes]
 * @returns {HostFigures}
 */
export function hostOf(number, changes = {}) {
  const [cores = 0, gibibytes = 0] = hostKinds[number % hostKinds.length] ?? [];
  return {
    id: `h${number}`,
    name: `h${number}`,
    use: 'usable',
    useReason: '',
    cpuMillicores: cores * 1000,
    memoryMiB: gibibytes * 1024,
    failureDomain: `rack-${Math.floor(number / 40)}`,
    missingDatastores: new Map(),
    ...changes,
  };
}

/**
 * Every fifth has a size of nobody's list, as guests that were measured and cut to fit have.
 * @param {number} number
 * @param {() => number} random
 * @returns {GuestFigures}
 */
export function guestOf(number, random) {
  const cores = pick(random, sizes);
  const odd = random() < 0.2 ? 0.5 + random() : 1;
  const cpu = Math.round(cores * 1000 * odd);
  return {
    id: `g${number}`,
    name: `g${number}`,
    hostId: null,
    cpuDemandMillicores: Math.round(cpu * random()),
    cpuReservationMillicores: cpu,
    memoryMiB: Math.round(cores * pick(random, ratios) * 1024 * odd),
    dirtyBytesPerSecond: 0,
    datastores: [],
    pinned: false,
  };
}
