// The figures of the scheduler, at the size of a data centre, on one core and with nothing else running; of the simulator's fleets, recorded
// days beside CloudSim's own figures, and size; and of a live fleet.

import { balancing } from './balancing.mjs';
import { balancingSearch } from './balancing-search.mjs';
import { live } from './live.mjs';
import { placement } from './placement.mjs';
import { planetlab, planetlabDays, planetlabMemory } from './planetlab.mjs';
import { scale } from './scale.mjs';
import { toleranceProof } from './tolerance.mjs';

const fleets = [planetlab, planetlabDays, planetlabMemory, scale];
export const benchmarks = [placement, balancing, balancingSearch, toleranceProof, ...fleets, live];
