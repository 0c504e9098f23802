// The figures of the scheduler, at the size of a data centre, on one core and with nothing else running; and a live fleet.

import { balancing } from './balancing.mjs';
import { balancingSearch } from './balancing-search.mjs';
import { live } from './live.mjs';
import { placement } from './placement.mjs';
import { toleranceProof } from './tolerance.mjs';

export const benchmarks = [placement, balancing, balancingSearch, toleranceProof, live];
