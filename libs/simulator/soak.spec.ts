import { runSoak } from './soak';

const first = Number(process.env['SOAK_FIRST'] ?? 1);
const count = Number(process.env['SOAK_SEEDS'] ?? 40);

test.each(Array.from({ length: count }, (_, index) => first + index))(
  'seed %i: no guest twice, none lost, none back in time',
  (seed) => {
    const run = runSoak(seed);
    if (run.violations.length > 0) throw new Error(`${run.violations.join('\n')}\n\n${run.log.join('\n')}`);
  },
);
