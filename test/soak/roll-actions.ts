import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiRefusal } from '../fleet/api-client';
import { waitFor } from '../fleet/lab-processes';
import { type Action, ask, between, type Soak } from './moves';

const params = { pool: 'pool' };

/** What a roll runs on each host. Value: the folder that the agents are told of. */
export function prepareRollPrograms(folder: string): string {
  const programs = join(folder, 'programs');
  mkdirSync(programs, { recursive: true });
  const settle = join(programs, 'settle');
  writeFileSync(settle, '#!/bin/sh\nsleep "$1"\n');
  chmodSync(settle, 0o755);
  return programs;
}

/** Wherever it stands, it begins no other host; those that it leaves in maintenance, since their command failed, are let back. */
async function endRoll({ fleet: { api } }: Soak): Promise<string> {
  await api.call('pool.roll-stop', { params }).catch((error: unknown) => {
    if (!(error instanceof ApiRefusal) || error.code !== 'no-roll') throw error;
  });
  const latest = async () => (await api.call('pool.roll-list', { params, query: { limit: 1 } })).items[0];
  let last: unknown;
  const ended = await waitFor(
    'the roll ends',
    async () => {
      const roll = await latest();
      last = roll;
      return roll?.endedAt !== null && (roll ?? 'none');
    },
    { deadlineMs: 120_000, intervalMs: 200, seen: () => last },
  );
  for (const { name, maintenance } of (await api.call('host.list')).items)
    if (maintenance !== 'none') await api.call('host.exit-maintenance', { params: { host: name } });
  if (ended === 'none') return 'there was none';
  const done = ended.hosts.filter(({ step }) => step === 'done').length;
  return `${ended.state}, ${done} of ${ended.hosts.length} hosts done${ended.failure ? `: ${ended.failure.trim()}` : ''}`;
}

/** Rolling maintenance, which may be stopped in the middle. */
export const rollActions: readonly Action[] = [
  {
    weight: 3,
    run: async (soak) => {
      if (soak.repairs.isBroken('maintenance')) return null;
      const command = `settle ${(soak.random.below(20) / 10).toFixed(1)}`;
      const answer = await ask(soak, 'pool.roll', { params, body: { command } });
      const stopMs = between(soak.random, 1_000, 30_000);
      soak.repairs.after(stopMs, 'maintenance', 'the roll', () => endRoll(soak));
      return `roll with "${command}" for ${stopMs} ms at most: ${answer}`;
    },
  },
];
