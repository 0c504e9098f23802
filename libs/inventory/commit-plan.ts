import type { FleetRecord, Placement } from '@argosy/domain/entities';
import type { EntityKind, FleetWrite } from '@argosy/control/ports/fleet-store';

export type ClosePlacement = Extract<FleetWrite, { kind: 'close-placement' }>;

export interface CommitPlan {
  /** Before the puts, so that a removed row's name is free again. */
  readonly removes: ReadonlyMap<EntityKind, readonly string[]>;
  readonly puts: ReadonlyMap<EntityKind, readonly object[]>;
  /** In turn: all of `closes`, then all of `opens`. */
  readonly placements: readonly { readonly closes: readonly ClosePlacement[]; readonly opens: readonly Placement[] }[];
  readonly records: readonly FleetRecord[];
}

type RowWrite = Extract<FleetWrite, { kind: 'put' | 'remove' }>;
type PlacementWrite = Extract<FleetWrite, { kind: 'open-placement' | 'close-placement' }>;

/**
 * Groups the writes of a step into few statements with the same effect as one after the other: of each row only its last
 * write counts, and each guest's placements are closed and opened in their order.
 */
export function planCommit(writes: readonly FleetWrite[]): CommitPlan {
  const rows = new Map<string, RowWrite>();
  const placements = new Map<string, PlacementWrite[]>();
  const records: FleetRecord[] = [];
  for (const write of writes) {
    switch (write.kind) {
      case 'put':
        rows.set(`${write.entity} ${write.row.id}`, write);
        break;
      case 'remove':
        rows.set(`${write.entity} ${write.id}`, write);
        break;
      case 'open-placement':
        append(placements, write.placement.guestId, write);
        break;
      case 'close-placement':
        append(placements, write.guestId, write);
        break;
      case 'record':
        records.push(write.record);
        break;
    }
  }
  const removes = new Map<EntityKind, string[]>();
  const puts = new Map<EntityKind, object[]>();
  for (const write of rows.values()) {
    if (write.kind === 'put') append(puts, write.entity, write.row);
    else append(removes, write.entity, write.id);
  }
  return { removes, puts, placements: placementRounds([...placements.values()]), records };
}

/** A round closes what stands first in each guest's list, and then opens what stands next. */
function placementRounds(lists: readonly PlacementWrite[][]): CommitPlan['placements'] {
  const rounds: { closes: ClosePlacement[]; opens: Placement[] }[] = [];
  for (const list of lists) {
    let round = -1;
    let opened = true;
    for (const write of list) {
      if (opened) round += 1;
      const { closes, opens } = (rounds[round] ??= { closes: [], opens: [] });
      if (write.kind === 'close-placement') closes.push(write);
      else opens.push(write.placement);
      opened = write.kind === 'open-placement';
    }
  }
  return rounds;
}

function append<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
