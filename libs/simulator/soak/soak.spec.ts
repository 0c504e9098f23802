import { runSoak } from './soak';

// Each broke a promise once.
test.each([
  [311, 'a start that its host has revoked is not asked for again and again'],
  [440, 'a guest that was suspended as its host was lost starts from its disk'],
  [470, 'a report from before a take-over says nothing of a guest that was started meanwhile'],
])('seed %i: %s', (seed) => {
  expect(runSoak(seed).violations).toEqual([]);
});

const first = Number(process.env['SOAK_FIRST'] ?? 1);
const count = Number(process.env['SOAK_SEEDS'] ?? 12);

test.each(Array.from({ length: count }, (_, index) => first + index))(
  'seed %i: no guest twice, none lost, none back in time',
  (seed) => {
    const { violations, scenario } = runSoak(seed);
    if (scenario !== null) throw new Error(`${violations.join('\n')}\n\nThe same in short:\n${scenario}`);
  },
);
