// The figures of the lab: real QEMU guests, moved, lost and started.

import { hostLoss } from './host-loss.mjs';
import { migration } from './migration.mjs';
import { randomMigrations } from './random-migrations.mjs';
import { start } from './start.mjs';
import { suspicion } from './suspicion.mjs';

export const benchmarks = [migration, hostLoss, start, randomMigrations, suspicion];
