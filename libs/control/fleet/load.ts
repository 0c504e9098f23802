import type { Fleet, FleetEvent } from '../fleet-types';
import type { EntityRows } from '../ports/fleet-store';
import { clearIndexes, reindex } from './indexes';
import { indexGuest } from './placement';
import { awaitReports } from './restored';
import { collections, type FleetTurn } from './turn';

type Loaded = Extract<FleetEvent, { kind: 'took-over' | 'reloaded' }>;

/**
 * Takes the inventory as the truth. What was heard by ear survives a reload, but a new leader starts its silence counts
 * afresh: it cannot know how long a host has been silent before it listened. Nothing is known to be outstanding: what is
 * missing is commanded again, and the agents know a command that they have carried out.
 */
export function load(turn: FleetTurn, { kind, term, inventory }: Loaded): void {
  const { fleet, now } = turn;
  fleet.term = term;
  fleet.raisedAbove = 0;
  fleet.leading = true;
  clearIndexes(fleet.indexes);
  fill(fleet, 'pool', inventory.pools);
  fill(fleet, 'host', inventory.hosts);
  fill(fleet, 'fenceSecret', inventory.fenceSecrets);
  fill(fleet, 'guest', inventory.guests);
  fill(fleet, 'image', inventory.images);
  fill(fleet, 'datastore', inventory.datastores);
  fill(fleet, 'diskOperation', inventory.diskOperations);
  fill(fleet, 'snapshot', inventory.snapshots);
  fill(fleet, 'rule', inventory.rules);
  fill(fleet, 'migration', inventory.migrations);
  fill(fleet, 'recommendation', inventory.recommendations);
  fill(fleet, 'drill', inventory.drills);
  fill(fleet, 'roll', inventory.rolls);
  fill(fleet, 'task', inventory.tasks);
  fill(fleet, 'alarm', inventory.alarms);
  fleet.guestsOn.clear();
  fleet.addresses.clear();
  fleet.clusters.clear();
  fleet.atRest.clear();
  for (const guest of inventory.guests) {
    indexGuest(fleet, guest.id, null, guest.hostId);
    fleet.addresses.add(guest.address);
  }
  fleet.outstanding.clear();
  // While the store was away no report was looked at, so silence begins afresh after a reload too.
  fleet.silenceSince = now;
  fleet.datastoreSilenceSince = now;
  fleet.takeOvers.clear();
  if (kind === 'reloaded') return;
  turn.effects.push({ kind: 'keep-queues', queues: [...new Set(inventory.hosts.map(({ queue }) => queue))] });
  fleet.tookOverAt = now;
  awaitReports(fleet, inventory.hosts);
  fleet.views.clear();
  fleet.lastBalanceAt.clear();
  fleet.powerViews.clear();
  fleet.roomSought.clear();
  fleet.channelHeardAt = null;
  fleet.datastoreHeardAt = null;
}

function fill<Kind extends keyof typeof collections>(
  fleet: Fleet,
  kind: Kind,
  rows: readonly EntityRows[Kind][],
): void {
  const collection = fleet[collections[kind]] as Map<string, EntityRows[Kind]>;
  collection.clear();
  for (const row of rows) {
    collection.set(row.id, row);
    reindex(fleet.indexes, kind, undefined, row);
  }
}
