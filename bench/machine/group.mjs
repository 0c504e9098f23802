// The figures of the Popek–Goldberg machine: its interpreter, machines of machines, and what each kind of monitor costs.

import { depths, speed } from './speed.mjs';
import { bursts, idleGuests, migrations } from './guests.mjs';
import { monitors } from './monitors.mjs';

export const benchmarks = [speed, depths, monitors, bursts, idleGuests, migrations];
