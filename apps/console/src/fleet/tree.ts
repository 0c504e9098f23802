import { hostState } from './host-states';
import type { Guest, Host, Pool } from './rows';

/** Turned: what stands below what. */
export const treeTurns = ['hosts', 'pools', 'guests'] as const;
export type TreeTurn = (typeof treeTurns)[number];

export interface TreeNode {
  /** Of the node; an object may stand in one place only. */
  readonly key: string;
  readonly level: number;
  readonly name: string;
  readonly kind: 'pool' | 'host' | 'guest' | 'group';
  readonly to: string | null;
  readonly state: string;
  /** null: nothing can stand below it. */
  readonly isOpen: boolean | null;
  readonly childCount: number;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Of the node that a page's address speaks of, by id or by name as somebody may have typed it; null if of none. */
export function keyOfAddress(
  pathname: string,
  fleet: Readonly<Record<'pool' | 'host' | 'guest', readonly Named[]>>,
): string | null {
  const [, kinds = '', reference] = pathname.split('/');
  const kind = kinds.replace(/s$/, '');
  if (reference === undefined || !(kind === 'pool' || kind === 'host' || kind === 'guest')) return null;
  const found = fleet[kind].find(({ id }) => id === reference) ?? fleet[kind].find(({ name }) => name === reference);
  return found === undefined ? null : `${kind}:${found.id}`;
}

/** Each in the order of their names. */
interface Fleet {
  readonly pools: Iterable<Pool>;
  readonly hosts: Iterable<Host>;
  readonly guests: Iterable<Guest>;
}

function grouped<Row>(rows: Iterable<Row>, keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** The lines that are seen, in order: what is closed has nothing below it. By hosts: a pool's hosts with their guests. */
export function treeLines(fleet: Fleet, turn: TreeTurn, open: ReadonlySet<string>): readonly TreeNode[] {
  const lines: TreeNode[] = [];
  const guestLine = (level: number) => (guest: Guest) =>
    lines.push({
      key: `guest:${guest.id}`,
      level,
      name: guest.name,
      kind: 'guest',
      to: `/guests/${guest.id}`,
      state: guest.state,
      isOpen: null,
      childCount: 0,
    });
  const branch = (node: Omit<TreeNode, 'isOpen'>, below: () => void) => {
    const isOpen = node.childCount === 0 ? null : open.has(node.key);
    lines.push({ ...node, isOpen });
    if (isOpen) below();
  };
  if (turn === 'guests') {
    for (const guest of fleet.guests) guestLine(1)(guest);
    return lines;
  }
  const [hostsOf, guestsOf] = [
    grouped(fleet.hosts, ({ poolId }) => poolId),
    grouped(fleet.guests, ({ hostId, poolId }) => (turn === 'pools' ? poolId : (hostId ?? `nowhere:${poolId}`))),
  ];
  for (const { id, name } of fleet.pools) {
    const hosts = hostsOf.get(id) ?? [];
    const own = guestsOf.get(turn === 'pools' ? id : `nowhere:${id}`) ?? [];
    const childCount = turn === 'pools' ? own.length : hosts.length || own.length;
    branch({ key: `pool:${id}`, level: 1, name, kind: 'pool', to: `/pools/${id}`, state: '', childCount }, () => {
      if (turn === 'pools') return own.forEach(guestLine(2));
      for (const host of hosts) {
        const guests = guestsOf.get(host.id) ?? [];
        const state = hostState(host);
        branch(
          {
            key: `host:${host.id}`,
            level: 2,
            name: host.name,
            kind: 'host',
            to: `/hosts/${host.id}`,
            state,
            childCount: guests.length,
          },
          () => guests.forEach(guestLine(3)),
        );
      }
      if (own.length > 0)
        branch(
          {
            key: `nowhere:${id}`,
            level: 2,
            name: 'On no host',
            kind: 'group',
            to: null,
            state: '',
            childCount: own.length,
          },
          () => own.forEach(guestLine(3)),
        );
    });
  }
  return lines;
}
