import type { GuestView, HostUsage } from '@argosy/contracts/responses';
import { skipToken, useQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { type FeedState, type FleetEvent, feedKey, recordsKey, rowsKey, usageKey } from './feed';
import { compareNames, type EntityName, type Row } from './rows';

export type GuestObservation = HostUsage['guests'][number];

const nothing: ReadonlyMap<string, never> = new Map<string, never>();
const nobody: readonly never[] = [];

/** What the feed keeps; nothing is fetched here. */
function useKept<Data>(queryKey: readonly unknown[]): Data | undefined {
  return useQuery<Data>({ queryKey, queryFn: skipToken, staleTime: Infinity, gcTime: Infinity }).data;
}

export function useRows<Name extends EntityName>(name: Name): ReadonlyMap<string, Row<Name>> {
  return useKept<ReadonlyMap<string, Row<Name>>>(rowsKey(name)) ?? nothing;
}

/** By name, as people count. */
export function useNamed<Name extends 'pool' | 'host' | 'guest' | 'image' | 'datastore' | 'rule'>(
  name: Name,
): readonly Row<Name>[] {
  const rows = useRows(name);
  const before = useRef<readonly Row<Name>[]>(nobody);
  return useMemo(() => (before.current = inOrder(before.current, rows)), [rows]);
}

/**
 * With 20,000 guests comparing all names at each change would take longer than a frame: while nobody comes, goes or is
 * renamed, the order is as it was.
 */
function inOrder<Named extends { readonly id: string; readonly name: string }>(
  before: readonly Named[],
  rows: ReadonlyMap<string, Named>,
): readonly Named[] {
  const isSame = before.length === rows.size && before.every(({ id, name }) => rows.get(id)?.name === name);
  if (isSame) return before.map(({ id }) => rows.get(id)!);
  return [...rows.values()].sort((one, other) => compareNames(one.name, other.name));
}

/** Newest first. */
export function useNewest<Name extends 'migration' | 'drill' | 'task' | 'recommendation'>(
  name: Name,
): readonly Row<Name>[] {
  const rows = useRows(name);
  return useMemo(() => [...rows.values()].sort((one, other) => other.createdAt - one.createdAt), [rows]);
}

export const useUsage = (): ReadonlyMap<string, HostUsage> =>
  useKept<ReadonlyMap<string, HostUsage>>(usageKey) ?? nothing;
export const useRecords = (): readonly FleetEvent[] => useKept<readonly FleetEvent[]>(recordsKey) ?? nobody;
export const useFeed = (): FeedState => useKept<FeedState>(feedKey) ?? { state: 'connecting', error: null };

/** Whether everything has been read once: until then nothing is said to be missing. */
export function useHasRead(): boolean {
  return useKept(rowsKey('pool')) !== undefined;
}

/** By id, or by name as somebody may have typed it into the address. */
export function useOne<Name extends 'pool' | 'host' | 'guest'>(name: Name, reference: string): Row<Name> | undefined {
  const rows = useRows(name);
  return useMemo(
    () => rows.get(reference) ?? [...rows.values()].find((row) => row.name === reference),
    [rows, reference],
  );
}

export function seenOn(usage: ReadonlyMap<string, HostUsage>, guest: GuestView): GuestObservation | undefined {
  if (guest.hostId === null) return undefined;
  return usage.get(guest.hostId)?.guests.find(({ guestId }) => guestId === guest.id);
}

/** Every guest's latest figures, by its id: for lists. */
export function useObservations(): ReadonlyMap<string, GuestObservation> {
  const usage = useUsage();
  return useMemo(() => {
    const all = new Map<string, GuestObservation>();
    for (const { guests } of usage.values()) for (const each of guests) all.set(each.guestId, each);
    return all;
  }, [usage]);
}

/** The name of what an event, a task or an alarm speaks of, and its address; without one it is gone. */
export function useSubject(): (kind: string, id: string) => { readonly name: string; readonly to: string | null } {
  const [pools, hosts, guests] = [useRows('pool'), useRows('host'), useRows('guest')];
  const [drills, datastores, images, rules] = [
    useRows('drill'),
    useRows('datastore'),
    useRows('image'),
    useRows('rule'),
  ];
  return useMemo(() => {
    const named = {
      pool: pools,
      host: hosts,
      guest: guests,
      datastore: datastores,
      image: images,
      rule: rules,
    } as const;
    return (kind, id) => {
      if (kind === 'drill') {
        const drill = drills.get(id);
        return { name: drill ? `drill ${drill.kind}` : id, to: `/drills/${id}` };
      }
      const row = kind in named ? named[kind as keyof typeof named].get(id) : undefined;
      const own = kind === 'pool' || kind === 'host' || kind === 'guest';
      const to = kind === 'datastore' || kind === 'image' ? `/${kind}s` : own ? `/${kind}s/${id}` : null;
      return { name: row?.name ?? id, to: row === undefined ? null : to };
    };
  }, [pools, hosts, guests, drills, datastores, images, rules]);
}
