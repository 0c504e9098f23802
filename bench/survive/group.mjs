// The figures of what must survive: hosts, controllers, and secrets on the wire.

import { controllerLoss } from './controller-loss.mjs';
import { encryption } from './encryption.mjs';
import { http } from './http.mjs';
import { outages } from './outages.mjs';

export const benchmarks = [outages, controllerLoss, encryption, http];
