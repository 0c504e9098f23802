import { createRandom } from '@argosy/simulator/random';
import { describeLockStep } from './lock-step-suite';

describeLockStep(
  {
    looping: { first: 10_000, count: 1000, atLeast: 10_000 },
    wild: { first: 10_000, count: 200, atLeast: 0 },
    elsewhere: { first: 20_000, count: 500, atLeast: 2000 },
    longestSlice: 5000,
  },
  createRandom,
);
