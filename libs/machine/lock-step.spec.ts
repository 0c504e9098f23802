import { createRandom } from '@argosy/simulator/random';
import { describeLockStep } from './lock-step-suite';

describeLockStep(
  {
    looping: { first: 100, count: 60, atLeast: 1000 },
    wild: { first: 100, count: 5, atLeast: 0 },
    elsewhere: { first: 2000, count: 12, atLeast: 30 },
    longestSlice: 2000,
  },
  createRandom,
);
