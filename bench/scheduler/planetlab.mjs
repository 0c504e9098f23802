// PlanetLab days (the CoMon project's measurements) in the set-up of CloudSim's power examples: 800 hosts, half of each of two kinds.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { built } from '../built.mjs';
import { atLeast, atMost, median } from '../figures.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/**
 * @typedef {{ policy: string, energyKWh: number, migrations: number, slaViolation: number, migrationLoss: number, violatedHostTime: number,
 *   unmetDemand: number, hostShutdowns: number, decisionMs: number[] }} Result
 */

/** What CloudSim 5.0 says of the day that its examples are about, run on a machine of two cores, and how long it took. */
const cloudSimDay = '20110303';
const cloudSim = {
  none: { energyKWh: 802.75, migrations: 0, slav: 0, shutdowns: 455, seconds: 3.3 },
  threshold: { energyKWh: 192.62, migrations: 26_711, slav: 0.00318, shutdowns: 5885, seconds: 26.2 },
  regression: { energyKWh: 163.48, migrations: 27_859, slav: 0.00464, shutdowns: 5053, seconds: 35.9 },
};
/** @typedef {keyof typeof cloudSim} Known */
const targets = { energyKWh: 163, migrations: 5000, slav: 0.003, timesFaster: 10 };

/**
 * @param {string} data
 * @param {string} day
 */
function workloadOf(data, day) {
  const { parsePlanetLab } = built('simulator/traces/planetlab.js');
  const { planetLabWorkload } = built('simulator/fleet/planetlab.js');
  const file = join(data, 'planetlab', `${day}.csv`);
  const parsed = parsePlanetLab({ file, text: readFileSync(file, 'utf8') });
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  return planetLabWorkload(parsed.value);
}

/**
 * With the trace read anew, as CloudSim does it.
 * @param {string} data
 * @param {string} day
 * @param {Known | 'argosy'} name
 * @param {boolean} memoryEnforced
 * @returns {{ result: Result, seconds: number }}
 */
function run(data, day, name, memoryEnforced = false) {
  const { runFleet } = built('simulator/fleet/run.js');
  const { fleetPolicies } = built('simulator/fleet/policies.js');
  const { planetLabHosts } = built('simulator/fleet/planetlab.js');
  const begin = performance.now();
  const result = runFleet({
    hosts: planetLabHosts(),
    workload: workloadOf(data, day),
    memoryEnforced,
    // Guests that have ended would give their memory back, and that is what the second table is about.
    idleGuestsEnd: !memoryEnforced,
    policy: fleetPolicies[name].create(),
    clock: () => performance.now(),
  });
  return { result, seconds: (performance.now() - begin) / 1000 };
}

/** @param {{ label: string, result: Result, seconds: number }} row */
function line({ label, result, seconds }) {
  const percent = (/** @type {number} */ share, /** @type {number} */ digits) => (100 * share).toFixed(digits);
  return cells([
    label,
    result.energyKWh.toFixed(2),
    String(result.migrations),
    percent(result.slaViolation, 5),
    percent(result.migrationLoss, 3),
    percent(result.violatedHostTime, 2),
    percent(result.unmetDemand, 3),
    String(result.hostShutdowns),
    seconds.toFixed(2),
  ]);
}

const heading = cells([
  'policy',
  'kWh',
  'migrations',
  'SLAV %',
  'PDM %',
  'SLATAH %',
  'unmet %',
  'shutdowns',
  'seconds',
]);

/** @param {string[]} texts */
function cells(texts) {
  return texts.map((text, column) => (column === 0 ? text.padEnd(22) : text.padStart(11))).join('');
}

/** @param {string} data */
function days(data) {
  return readdirSync(join(data, 'planetlab'))
    .filter((name) => name.endsWith('.csv'))
    .map((name) => name.slice(0, -4))
    .sort();
}

/** @type {import('../figures.mjs').Benchmark} */
export const planetlab = {
  name: 'planetlab',
  title: `day ${cloudSimDay} beside CloudSim 5.0's own figures`,
  needsData: true,
  measure: async ({ data, note }) => {
    const known = /** @type {Known[]} */ (Object.keys(cloudSim)).map((name) => ({
      name,
      theirs: cloudSim[name],
      ...run(data, cloudSimDay, name),
    }));
    const argosy = run(data, cloudSimDay, 'argosy');
    note(heading);
    for (const { name, theirs, result, seconds } of known) {
      const { energyKWh, migrations, slav, shutdowns } = theirs;
      note(line({ label: name, result, seconds }));
      note(cells(['  in CloudSim 5.0', energyKWh.toFixed(2), String(migrations), slav.toFixed(5), '', '', '', String(shutdowns), theirs.seconds.toFixed(2)])); // prettier-ignore
    }
    note(line({ label: 'argosy', ...argosy }));
    const slowest = Math.max(...known.map(({ seconds, theirs }) => seconds / theirs.seconds));
    return [
      ...known.map(({ name, result }) => agreement(name, result)),
      ...promised('planetlab', argosy.result, cloudSim.threshold),
      faster('slowest', 1 / slowest, "the policy here that is the least faster than CloudSim's own run of it"),
      faster('argosy', cloudSim.threshold.seconds / argosy.seconds, `a day in ${argosy.seconds.toFixed(2)} s; CloudSim's THR-MMT took ${cloudSim.threshold.seconds} s on a machine of two cores`), // prettier-ignore
    ];
  },
};

/**
 * @param {Known} name
 * @param {Result} result
 * @returns {Figure}
 */
function agreement(name, result) {
  const { energyKWh, migrations, shutdowns } = cloudSim[name];
  const apart = [
    Math.abs(result.energyKWh - energyKWh) / energyKWh,
    Math.abs(result.migrations - migrations) / Math.max(1, migrations),
    Math.abs(result.hostShutdowns - shutdowns) / shutdowns,
  ];
  return atMost({
    name: `planetlab.${name}.apart`,
    value: 100 * Math.max(...apart),
    unit: '%',
    reference: null,
    target: 0.1,
    remark: `how far energy, migrations or shutdowns are from CloudSim's ${energyKWh} kWh, ${migrations} and ${shutdowns}`,
  });
}

/**
 * @param {string} name
 * @param {Result} result
 * @param {{ energyKWh: number, migrations: number, slav: number } | null} reference
 * @returns {Figure[]}
 */
function promised(name, result, reference) {
  const remark = reference === null ? 'the worst of the days' : "beside CloudSim's THR-MMT 0.8";
  return [
    atMost({ name: `${name}.energy`, value: result.energyKWh, unit: 'kWh', reference: reference?.energyKWh ?? null, target: targets.energyKWh, remark }), // prettier-ignore
    atMost({ name: `${name}.migrations`, value: result.migrations, unit: '', reference: reference?.migrations ?? null, target: targets.migrations, remark }), // prettier-ignore
    // In millionths, since figures are told with two digits.
    atMost({ name: `${name}.slav`, value: result.slaViolation * 1e6, unit: 'ppm', reference: reference === null ? null : reference.slav * 1e4, target: targets.slav * 1e4, remark }), // prettier-ignore
  ];
}

/**
 * @param {string} name
 * @param {number} times
 * @param {string} remark
 * @returns {Figure}
 */
function faster(name, times, remark) {
  return atLeast({ name: `planetlab.${name}.faster`, value: times, unit: 'times', reference: 1, target: targets.timesFaster, remark }); // prettier-ignore
}

/** @type {import('../figures.mjs').Benchmark} */
export const planetlabDays = {
  name: 'planetlab-days',
  title: 'every day that is there',
  needsData: true,
  measure: async ({ data, note, quick }) => {
    /** @type {Result[]} */
    const ours = [];
    /** @type {Result[]} */
    const theirs = [];
    note(heading);
    for (const day of quick ? days(data).slice(0, 2) : days(data)) {
      const threshold = run(data, day, 'threshold');
      const argosy = run(data, day, 'argosy');
      note(line({ label: `${day} threshold`, ...threshold }));
      note(line({ label: `${day} argosy`, ...argosy }));
      ours.push(argosy.result);
      theirs.push(threshold.result);
    }
    const worst = (/** @type {(result: Result) => number} */ of) => Math.max(...ours.map(of));
    const worstResult = /** @type {Result} */ ({
      energyKWh: worst((result) => result.energyKWh),
      migrations: worst((result) => result.migrations),
      slaViolation: worst((result) => result.slaViolation),
    });
    return [
      ...promised('planetlab-days', worstResult, null),
      atMost({
        name: 'planetlab-days.median-energy',
        value: median(ours.map(({ energyKWh }) => energyKWh)),
        unit: 'kWh',
        reference: median(theirs.map(({ energyKWh }) => energyKWh)),
        target: null,
        remark: 'beside THR-MMT here',
      }),
    ];
  },
};

/** @type {import('../figures.mjs').Benchmark} */
export const planetlabMemory = {
  name: 'planetlab-memory',
  title: `day ${cloudSimDay} with memory enforced, and guests that stay; compared with itself only`,
  needsData: true,
  measure: async ({ data, note }) => {
    note(heading);
    const [none, threshold, argosy] = /** @type {const} */ (['none', 'threshold', 'argosy']).map((name) => {
      const measured = run(data, cloudSimDay, name, true);
      note(line({ label: name, ...measured }));
      return measured.result;
    });
    return [
      atMost({
        name: 'planetlab-memory.energy',
        value: argosy?.energyKWh ?? null,
        unit: 'kWh',
        reference: threshold?.energyKWh ?? null,
        target: null,
        remark: `beside THR-MMT here; without migrations ${none?.energyKWh.toFixed(0)} kWh`,
      }),
    ];
  },
};
