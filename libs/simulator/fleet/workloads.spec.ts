import { planetLabHosts, planetLabWorkload } from './planetlab';
import { syntheticHosts, syntheticWorkload } from './synthetic';
import { measuredWorkload, requestWorkload } from './trace-workloads';
import { demandShare } from './workload';

test('the rows of a day of processor use are shared out among four kinds of guests, in their order', () => {
  const names = Array.from({ length: 10 }, (_, row) => `g${row}`);
  const workload = planetLabWorkload({ names, samples: 3, percent: new Uint8Array(30).fill(25) });
  expect([...workload.capacityMHz]).toEqual([2500, 2500, 2500, 2000, 2000, 2000, 1000, 1000, 1000, 500]);
  expect([...workload.memoryMiB]).toEqual([870, 870, 870, 1740, 1740, 1740, 1740, 1740, 1740, 613]);
  expect(planetLabHosts(3).map(({ name }) => name)).toEqual(['HP ML110 G4', 'HP ML110 G5', 'HP ML110 G4']);
});

test('demand is a straight line between two samples, and its last sample holds', () => {
  const workload = planetLabWorkload({ names: ['g'], samples: 3, percent: Uint8Array.of(10, 20, 40) });
  expect([0, 150, 300, 450, 600, 6000].map((seconds) => demandShare(workload, 0, seconds))).toEqual([0.1, 0.15000000000000002, 0.2, 0.30000000000000004, 0.4, 0.4]); // prettier-ignore
});

test('requests are there from the step after they come to the step after they go, and use all that they may', () => {
  const workload = requestWorkload([
    { name: 'a', cores: 4, memoryMiB: 1024, arrivesAtSeconds: 0, lifetimeSeconds: 900 },
    { name: 'b', cores: 1, memoryMiB: 1024, arrivesAtSeconds: 301, lifetimeSeconds: 10 },
  ]);
  expect([[...workload.arrivesAtStep], [...workload.leavesAtStep]]).toEqual([
    [0, 2],
    [3, 3],
  ]);
  expect([workload.lastStep, workload.capacityMHz[0], demandShare(workload, 0, 700)]).toEqual([3, 8000, 1]);
});

test('what tasks used in pieces of any length is averaged over the steps', () => {
  const { demand, lastStep } = measuredWorkload([
    {
      name: 'a',
      submittedAtMs: 5000,
      durationMs: 900_000,
      cores: 2,
      capacityMHz: 1000,
      memoryMiB: 512,
      fragments: [
        { durationMs: 150_000, usedMHz: 1000 },
        { durationMs: 600_000, usedMHz: 100 },
        { durationMs: 999_000, usedMHz: 500 },
      ],
    },
  ]);
  expect([[...demand], lastStep]).toEqual([[5500, 1000, 3000], 2]);
});

describe('a made-up fleet', () => {
  const fleet = { hosts: 10, guests: 500, days: 1, seed: 3 };
  const workload = syntheticWorkload(fleet);

  test('is its seed', () => {
    expect(syntheticWorkload(fleet)).toEqual(workload);
    expect(syntheticWorkload({ ...fleet, seed: 4 }).demand).not.toEqual(workload.demand);
  });

  test('has guests that stay and guests that come and go, each with a sample for each of its steps', () => {
    const staying = workload.arrivesAtStep.filter((step, guest) => step === 0 && workload.leavesAtStep[guest] === 288);
    expect(staying.length).toBeGreaterThan(350);
    expect(staying.length).toBeLessThan(450);
    workload.sampleCount.forEach((count, guest) =>
      expect(count).toBe(workload.leavesAtStep[guest]! - workload.arrivesAtStep[guest]! + 1),
    );
  });

  test('asks for about a sixth of what its guests may use', () => {
    const mean = workload.demand.reduce((sum, value) => sum + value, 0) / workload.demand.length / 10_000;
    expect(mean).toBeGreaterThan(0.1);
    expect(mean).toBeLessThan(0.25);
    expect(syntheticHosts(fleet)).toHaveLength(10);
  });
});
