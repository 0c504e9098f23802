import { balancingPolicy } from './balancing';
import { consolidatingPolicy } from './consolidating';
import { firstFitPolicy } from './first-fit';
import { hostTypes, wattsAt } from './hosts';
import type { FleetPolicy } from './policy';
import { aRun, aWorkload, mixedHosts, noisyDay, plainHost, scripted } from './testing';
import { regressionPolicy, thresholdPolicy } from './threshold';

const hour = 1 / 3_600_000;

describe('what a fleet draws', () => {
  test('is a straight line between the measured tenths', () => {
    const watts = (share: number) => wattsAt(hostTypes['HP ML110 G4'], share);
    expect([0, 0.1, 1].map(watts)).toEqual([86, 89.4, 117]);
    expect(watts(0.25)).toBeCloseTo((92.6 + 96) / 2, 9);
  });

  test('is the trapezoid of its power at both ends of a step, from the first step on', () => {
    const { energyKWh, samples } = aRun({ workload: aWorkload([[20, 20, 60]]), policy: scripted([0]) });
    // Steps are a tenth of a second late, so a little of the next sample is in each.
    expect(samples.map(({ watts }) => Math.round(watts * 100) / 100)).toEqual([60.01, 80]);
    expect(energyKWh).toBeCloseTo(300 * ((60.00666 + 80) / 2) * hour, 9);
  });

  test('is nothing for a host that was off when the step began', () => {
    const { energyKWh, hostShutdowns } = aRun({ workload: aWorkload([[0, 0, 50, 50]]), policy: scripted([0]) });
    expect(energyKWh).toBeCloseTo(300 * 75 * hour + 300 * ((50.00833 + 75) / 2) * hour, 3);
    expect(hostShutdowns).toBe(1);
  });
});

describe('demand that is not met', () => {
  test('is cut evenly where a host is asked for more than it has, and the time counts as violated', () => {
    const { unmetDemand, violatedHostTime, migrationLoss } = aRun({
      workload: aWorkload([
        [100, 100, 100],
        [50, 50, 50],
      ]),
      policy: scripted([0, 0]),
    });
    expect(unmetDemand).toBeCloseTo(1 - (666 + 333) / 1500, 9);
    expect([violatedHostTime, migrationLoss]).toEqual([1, 0]);
  });

  test('is cut where a core of the host is slower than the guest asks for', () => {
    const slow = { ...plainHost, cores: 4, coreMHz: 250 };
    const { unmetDemand } = aRun({ workload: aWorkload([[50, 50, 50]]), hosts: [slow], policy: scripted([0]) });
    expect(unmetDemand).toBeCloseTo(0.5, 9);
  });
});

describe('a migration', () => {
  const workload = aWorkload([[50, 50, 50]]);
  const { migrations, migrationLoss, violatedHostTime, slaViolation, samples } = aRun({
    workload,
    policy: scripted([0], { 1: [[0, 1]] }),
  });

  test("takes as long as half the link needs for the memory, and a tenth of the guest's time meanwhile", () => {
    expect(migrations).toBe(1);
    expect(migrationLoss).toBeCloseTo((10 * 50) / (300 * 500), 9);
  });

  test('counts as violated time on the target, which gives a tenth of what is asked of it', () => {
    expect(violatedHostTime).toBeCloseTo(10 / 310, 9);
    expect(slaViolation).toBe(violatedHostTime * migrationLoss);
  });

  test('that brings a guest back to where it came from within the hour is told', () => {
    const steady = aWorkload([Array.from({ length: 20 }, () => 50)]);
    const returns = (policy: FleetPolicy) => aRun({ workload: steady, policy }).returns;
    expect(returns(scripted([0], { 1: [[0, 1]], 2: [[0, 0]], 3: [[0, 1]] }))).toBe(2);
    expect(returns(scripted([0], { 1: [[0, 1]], 15: [[0, 0]] }))).toBe(0);
  });

  test('leaves the guest on the target, and the source off', () => {
    expect(samples.map(({ hostsOn }) => hostsOn)).toEqual([1, 1]);
  });
});

describe('guests that come and go', () => {
  const workload = aWorkload([[50, 50, 50, 50, 50, 50]], {
    arrivesAtStep: Int32Array.of(2),
    leavesAtStep: Int32Array.of(4),
  });

  test('run from the step of their arrival to that of their leaving', () => {
    const { samples } = aRun({ workload, policy: firstFitPolicy() });
    expect(samples.map(({ hostsOn }) => hostsOn)).toEqual([0, 1, 1, 0, 0]);
  });

  const policies = [firstFitPolicy, balancingPolicy, thresholdPolicy, regressionPolicy, consolidatingPolicy];

  test.each(policies)('are counted when no host has the memory for them: %p', (policy) => {
    for (const reserved of [true, false]) {
      const large = { ...workload, reserved, memoryMiB: Float64Array.of(2000) };
      expect(aRun({ workload: large, policy: policy() }).failedPlacements).toBe(1);
    }
  });

  test.each(policies)('need all the processor time that they may use only where it is reserved: %p', (policy) => {
    const three = aWorkload([
      [10, 10, 10],
      [10, 10, 10],
      [10, 10, 10],
    ]);
    expect(aRun({ workload: three, policy: policy() }).failedPlacements).toBe(1);
    expect(aRun({ workload: { ...three, reserved: false }, policy: policy() }).failedPlacements).toBe(0);
  });

  test("are taken to have ended when they ask for nothing, where CloudSim's rule is asked for", () => {
    const idle = aWorkload([[50, 0, 0, 50, 50]]);
    expect(aRun({ workload: idle, policy: firstFitPolicy(), idleGuestsEnd: true }).samples.at(-1)!.hostsOn).toBe(0);
    expect(aRun({ workload: idle, policy: firstFitPolicy() }).samples.at(-1)!.hostsOn).toBe(1);
  });
});

describe('policies over a noisy day', () => {
  const options = {
    workload: aWorkload(noisyDay(60, 7), { memoryMiB: new Float64Array(60).fill(700) }),
    hosts: mixedHosts(50),
  };
  const still = aRun({ ...options, policy: firstFitPolicy() });
  const byThreshold = aRun({ ...options, policy: thresholdPolicy() });
  const byRegression = aRun({ ...options, policy: regressionPolicy() });
  const ours = aRun({ ...options, policy: consolidatingPolicy() });

  test.each([
    ['threshold', byThreshold],
    ['regression', byRegression],
  ])('save energy, and ours more than %s with a third of the migrations and of the harm', (_, theirs) => {
    expect(theirs.energyKWh).toBeLessThan(still.energyKWh);
    expect(ours.energyKWh).toBeLessThan(theirs.energyKWh);
    expect(ours.migrations).toBeLessThan(theirs.migrations / 3);
    expect(ours.slaViolation).toBeLessThan(theirs.slaViolation / 3);
    expect(ours.unmetDemand).toBeLessThan(theirs.unmetDemand);
  });

  test('do not move a guest back and forth, ours', () => {
    expect(byThreshold.returns).toBeGreaterThan(10);
    expect(ours.returns).toBe(0);
  });

  test('with memory enforced no host ever holds more than it has', () => {
    for (const policy of [thresholdPolicy(), consolidatingPolicy()]) {
      const { samples, energyKWh } = aRun({ ...options, policy, memoryEnforced: true });
      // Five guests of 700 MiB are all that 4096 MiB hold.
      for (const { hostsOn } of samples) expect(hostsOn).toBeGreaterThanOrEqual(12);
      expect(energyKWh).toBeGreaterThan(ours.energyKWh);
    }
  });

  test('a run is its options: the same again gives the same', () => {
    expect(aRun({ ...options, policy: consolidatingPolicy() })).toEqual(ours);
  });
});

describe("a pool's own balancing", () => {
  const workload = aWorkload(
    [80, 10, 80, 10].map((percent) => Array.from({ length: 10 }, () => percent)),
    { reserved: false },
  );

  test('spreads new guests, and moves one where that meets more demand', () => {
    const { decide: _, ...placing } = balancingPolicy();
    const unmoved = aRun({ workload, policy: { ...placing, decide: () => {} } });
    const balanced = aRun({ workload, policy: balancingPolicy() });
    expect(unmoved.samples[0]!.hostsOn).toBe(2);
    expect([unmoved.migrations, balanced.migrations]).toEqual([0, 1]);
    expect(balanced.unmetDemand).toBeLessThan(unmoved.unmetDemand / 4);
  });

  test('moves nobody where every demand is met', () => {
    const light = aWorkload(
      [40, 10, 40, 10].map((percent) => Array.from({ length: 10 }, () => percent)),
      { reserved: false },
    );
    expect(aRun({ workload: light, policy: balancingPolicy() }).migrations).toBe(0);
  });
});
