import { runSoak } from './soak';

const first = Number(process.env['SOAK_FIRST'] ?? 1);
const count = Number(process.env['SOAK_SEEDS'] ?? 12);

test.each(Array.from({ length: count }, (_, index) => first + index))(
  'seed %i: no guest twice, none lost, none back in time',
  (seed) => {
    const { violations, scenario } = runSoak(seed);
    if (scenario !== null) throw new Error(`${violations.join('\n')}\n\nThe same in short:\n${scenario}`);
  },
);
