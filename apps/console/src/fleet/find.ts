import type { Guest, Host, Pool } from './rows';

export interface Found {
  readonly kind: 'guest' | 'host' | 'pool';
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** Why it was found, where it is not its name. */
  readonly note: string;
}

/** So many are shown; who looks for one types more. */
export const mostFound = 12;

interface Fleet {
  readonly pools: Iterable<Pool>;
  readonly hosts: Iterable<Host>;
  readonly guests: Iterable<Guest>;
}

/** Guests, hosts and pools by name, address, id or state; what begins with the words comes first. */
export function find(fleet: Fleet, text: string): readonly Found[] {
  const words = text.trim().toLowerCase();
  if (words === '') return [];
  const begins: Found[] = [];
  const holds: Found[] = [];
  const look = (found: Omit<Found, 'note'>, others: readonly string[]) => {
    if (found.name.startsWith(words)) return void begins.push({ ...found, note: '' });
    if (found.name.includes(words)) return void holds.push({ ...found, note: '' });
    const other = others.find((each) => each.toLowerCase().startsWith(words));
    if (other !== undefined) holds.push({ ...found, note: other });
  };
  for (const { id, name } of fleet.pools) look({ kind: 'pool', id, name, state: '' }, [id]);
  for (const { id, name, state, peerAddress } of fleet.hosts)
    look({ kind: 'host', id, name, state }, [peerAddress, id, state]);
  for (const { id, name, state, address, macAddress } of fleet.guests) {
    if (begins.length >= mostFound) break;
    look({ kind: 'guest', id, name, state }, [address, id, macAddress, state]);
  }
  return [...begins, ...holds].slice(0, mostFound);
}
