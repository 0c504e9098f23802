import { call } from '../api/client';
import type { FleetReading } from './feed';
import { byId, type FleetRows, noRows } from './rows';

/** All that the console keeps of the fleet, as it is now. */
export async function readFleet(signal: AbortSignal): Promise<FleetReading> {
  const options = { signal };
  const page = { limit: 200 };
  const [pool, host, guest, image, datastore, rule, migration, recommendation, balanceRun, drill, task, alarm] =
    await Promise.all([
      call('pool.list', {}, options),
      call('host.list', {}, options),
      call('guest.list', {}, options),
      call('image.list', {}, options),
      call('datastore.list', {}, options),
      call('rule.list', {}, options),
      call('migration.list', { query: page }, options),
      call('recommendation.list', { query: page }, options),
      call('balance.list', { query: page }, options),
      call('drill.list', { query: page }, options),
      call('task.list', { query: page }, options),
      call('alarm.list', { query: { ...page, open: 'true' } }, options),
    ]);
  const [{ items: usage }, { items: records }] = await Promise.all([
    call('usage.list', {}, options),
    call('event.list', { query: page }, options),
  ]);
  const lists = {
    pool,
    host,
    guest,
    image,
    datastore,
    rule,
    migration,
    recommendation,
    balanceRun,
    drill,
    task,
    alarm,
  };
  // Newest first as they come, and oldest first as they are kept: what is forgotten is the oldest.
  const maps = Object.entries(lists).map(([name, { items }]) => [name, byId([...items].reverse() as { id: string }[])]);
  const rows = { ...noRows(), ...Object.fromEntries(maps) } as FleetRows;
  return { rows, usage, records };
}
