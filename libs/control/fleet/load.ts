import type { FleetEvent } from '../fleet-types';
import { indexGuest } from './placement';
import { awaitReports } from './restored';
import { type FleetTurn, indexRecovering } from './turn';

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
  fill(fleet.pools, inventory.pools);
  fill(fleet.hosts, inventory.hosts);
  fill(fleet.fenceSecrets, inventory.fenceSecrets);
  fill(fleet.guests, inventory.guests);
  fill(fleet.images, inventory.images);
  fill(fleet.datastores, inventory.datastores);
  fill(fleet.diskOperations, inventory.diskOperations);
  fill(fleet.snapshots, inventory.snapshots);
  fill(fleet.rules, inventory.rules);
  fill(fleet.migrations, inventory.migrations);
  fill(fleet.recommendations, inventory.recommendations);
  fill(fleet.drills, inventory.drills);
  fill(fleet.rolls, inventory.rolls);
  fill(fleet.tasks, inventory.tasks);
  fill(fleet.alarms, inventory.alarms);
  fleet.guestsOn.clear();
  fleet.addresses.clear();
  fleet.recovering.clear();
  fleet.clusters.clear();
  fleet.atRest.clear();
  for (const guest of inventory.guests) {
    indexGuest(fleet, guest.id, null, guest.hostId);
    indexRecovering(fleet, guest);
    fleet.addresses.add(guest.address);
  }
  fleet.outstanding.clear();
  // While the store was away no report was looked at, so silence begins afresh after a reload too.
  fleet.silenceSince = now;
  fleet.datastoreSilenceSince = now;
  fleet.takeOvers.clear();
  if (kind === 'reloaded') return;
  fleet.tookOverAt = now;
  awaitReports(fleet, inventory.hosts);
  fleet.views.clear();
  fleet.lastBalanceAt.clear();
  fleet.powerViews.clear();
  fleet.roomSought.clear();
  fleet.channelHeardAt = null;
  fleet.datastoreHeardAt = null;
}

function fill<Row extends { readonly id: string }>(collection: Map<string, Row>, rows: readonly Row[]): void {
  collection.clear();
  for (const row of rows) collection.set(row.id, row);
}
