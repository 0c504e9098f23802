import { consolidatingPolicy } from './consolidating';
import { firstFit } from './first-fit';
import { hostTypes, wattsAt } from './hosts';
import { aRun, aWorkload, mixedHosts, noisyDay, plainHost, scripted } from './testing';
import { thresholdPolicy } from './threshold';

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
    const { samples } = aRun({ workload, policy: firstFit });
    expect(samples.map(({ hostsOn }) => hostsOn)).toEqual([0, 1, 1, 0, 0]);
  });

  test('are counted when no host has room for them', () => {
    const large = { ...workload, memoryMiB: Float64Array.of(2000) };
    for (const policy of [firstFit, thresholdPolicy(), consolidatingPolicy()])
      expect(aRun({ workload: large, policy }).failedPlacements).toBe(1);
  });

  test("are taken to have ended when they ask for nothing, where CloudSim's rule is asked for", () => {
    const idle = aWorkload([[50, 0, 0, 50, 50]]);
    expect(aRun({ workload: idle, policy: firstFit, idleGuestsEnd: true }).samples.at(-1)!.hostsOn).toBe(0);
    expect(aRun({ workload: idle, policy: firstFit }).samples.at(-1)!.hostsOn).toBe(1);
  });
});

describe('policies over a noisy day', () => {
  const options = {
    workload: aWorkload(noisyDay(60, 7), { memoryMiB: new Float64Array(60).fill(700) }),
    hosts: mixedHosts(50),
  };
  const still = aRun({ ...options, policy: firstFit });
  const byThreshold = aRun({ ...options, policy: thresholdPolicy() });
  const ours = aRun({ ...options, policy: consolidatingPolicy() });

  test('both save energy, and ours with a tenth of the migrations and of the harm', () => {
    expect(byThreshold.energyKWh).toBeLessThan(still.energyKWh);
    expect(ours.energyKWh).toBeLessThan(byThreshold.energyKWh);
    expect(ours.migrations).toBeLessThan(byThreshold.migrations / 10);
    expect(ours.slaViolation).toBeLessThan(byThreshold.slaViolation / 10);
    expect(ours.unmetDemand).toBeLessThan(byThreshold.unmetDemand);
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
