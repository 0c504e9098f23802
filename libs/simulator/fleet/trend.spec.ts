import { Fleet } from './fleet';
import { aWorkload, plainHost } from './testing';
import { Trend } from './trend';

/** The trend of one guest after demands a step apart. */
function trendOf(...demands: number[]): Trend {
  const fleet = new Fleet({ hosts: [plainHost], workload: aWorkload([[0, 0]]), memoryEnforced: false, idleGuestsEnd: false }); // prettier-ignore
  fleet.start(0, 0);
  const trend = new Trend(1);
  fleet.seconds = 0.1;
  for (const demand of demands) {
    fleet.seconds += 300;
    fleet.demandMHz[0] = demand;
    trend.observe(fleet);
  }
  return trend;
}

test('the line through the last ten demands is read one step ahead', () => {
  expect(trendOf(999, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100).aheadMHz(0)).toBeCloseTo(110, 9);
  expect(trendOf(50, 50, 50, 50, 50, 50, 50, 50, 50, 50).aheadMHz(0)).toBeCloseTo(50, 9);
});

test('a guest is known once there are ten demands, of which the first was not nothing', () => {
  expect(trendOf(1, 1, 1, 1, 1, 1, 1, 1, 1).isKnown(0)).toBe(false);
  expect(trendOf(1, 0, 0, 0, 0, 0, 0, 0, 0, 0).isKnown(0)).toBe(true);
  expect(trendOf(0, 1, 1, 1, 1, 1, 1, 1, 1, 1).isKnown(0)).toBe(false);
});
