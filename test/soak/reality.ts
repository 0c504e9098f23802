import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet } from '../fleet/lab';
import type { SoakGuest } from './soak-guest';

/** A guest that ticks is heard at least so often, on a busy machine. */
export const silentMs = 1_500;

export interface Reality {
  /** Changes whenever a process comes or goes, or a file grows. */
  readonly trace: string;
  /** What has to happen yet, '': nothing. */
  readonly unrest: string;
  /** The one copy of each guest that should run: its host's name and its epoch. */
  readonly copies: ReadonlyMap<string, { readonly host: string; readonly epoch: number }>;
}

/** What the operating system shows; of our own records nothing is asked. */
export function realityOf(fleet: Fleet, guests: readonly SoakGuest[]): Reality {
  const vmms = fleet.hosts.flatMap((host) => host.vmms().map((vmm) => ({ ...vmm, host: host.name })));
  const agents = fleet.hosts.map((host) => ({ name: host.name, pid: host.agentPid() }));
  const unrest = guests.map(({ guest, wanted, name }) => {
    const own = vmms.filter(({ guestId }) => guestId === guest.id);
    if (own.length !== (wanted === 'running' ? 1 : 0))
      return `${name} should be ${wanted}, and has ${own.length} VMMs: ${own.map(({ host, epoch }) => `${host} at epoch ${epoch}`).join(', ')}`;
    const isSilent = wanted === 'running' && performance.now() - guest.record.spokeAt() > silentMs;
    return isSilent ? `${name} is silent` : '';
  });
  const down = agents.map(({ name, pid }) => (pid === undefined ? `${name} has no agent` : ''));
  return {
    trace: JSON.stringify([agents, vmms.map(({ pid, folder }) => [pid, folder]), filesOf(fleet.datastore)]),
    unrest: [...down, ...unrest].find((text) => text !== '') ?? '',
    copies: new Map(vmms.map(({ guestId, host, epoch }) => [guestId, { host, epoch }])),
  };
}

/** Of disks and memories; heartbeats go on for ever. */
function filesOf(datastore: string): string[] {
  return readdirSync(datastore, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('heartbeats'))
    .map((name) => `${name} ${statSync(join(datastore, name), { throwIfNoEntry: false })?.blocks}`);
}

/** How a record differs from that; '': not at all. */
export async function difference(fleet: Fleet, guests: readonly SoakGuest[], { copies }: Reality): Promise<string> {
  const { items: hosts } = await fleet.api.call('host.list');
  const away = hosts.find(({ state }) => state !== 'online');
  if (away) return `${away.name} is ${away.state}: ${away.stateReason}`;
  const { items } = await fleet.api.call('guest.list');
  const texts = guests.map(({ guest, wanted, name }) => {
    const row = items.find(({ id }) => id === guest.id);
    if (!row) return `${name} is not in the record`;
    const [copy, where] = [copies.get(guest.id), hosts.find(({ id }) => id === row.hostId)?.name];
    if (row.state === wanted && copy?.host === where && (!copy || copy.epoch === row.epoch)) return '';
    return `${name} is ${row.state} (${row.stateReason}) on ${where} at epoch ${row.epoch}; it should be ${wanted}, and is on ${copy?.host} at epoch ${copy?.epoch}`;
  });
  return texts.find((text) => text !== '') ?? '';
}

/** What is still being done, by the record; '': nothing. */
export async function underWay({ api }: Fleet): Promise<string> {
  const { items: hosts } = await api.call('host.list');
  const kept = hosts.find(({ maintenance }) => maintenance !== 'none');
  if (kept) return `${kept.name}: maintenance ${kept.maintenance}`;
  const { items: migrations } = await api.call('migration.list', { query: { limit: 50 } });
  const open = migrations.find(({ endedAt }) => endedAt === null);
  if (open) return `migration ${open.id} is at ${open.step}`;
  const { items: all } = await api.call('guest.list');
  const made = all.find(({ state }) => state === 'cloning');
  return made ? `${made.name} is still cloning: ${made.stateReason}` : '';
}
