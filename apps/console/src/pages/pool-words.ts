import type { Pool } from '../fleet/rows';

/** What a pool's settings are called where they are shown. */
export const automationTitles: Readonly<Record<Pool['balance']['automation'], string>> = {
  manual: 'manual: everything is recommended',
  partial: 'partial: guests are placed, moves are recommended',
  full: 'full: guests are placed and moved',
};

export const admissionTitles: Readonly<Record<Pool['failure']['admission'], string>> = {
  'host-failures': 'room for the loss of hosts',
  'reserved-share': 'a share of processors and memory',
  'failover-hosts': 'hosts that take nothing else',
  none: 'none: any start is let through',
};

export const isolationTitles: Readonly<Record<Pool['isolationResponse'], string>> = {
  'keep-running': 'run on',
  'shut-down': 'are shut down',
  'power-off': 'are switched off at once',
};
