// The figures of the simulator's fleets: recorded days beside CloudSim's own figures, and size.

import { planetlab, planetlabDays, planetlabMemory } from './planetlab.mjs';
import { scale } from './scale.mjs';

export const benchmarks = [planetlab, planetlabDays, planetlabMemory, scale];
