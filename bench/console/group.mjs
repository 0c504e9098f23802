// The figures of the console, in Debian's Chromium.

import { firstPage } from './first-page.mjs';
import { largeFleet } from './large-fleet.mjs';

export const benchmarks = [firstPage, largeFleet];
