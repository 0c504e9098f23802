import { createFleet, stepFleet } from '@argosy/control/fleet';
import type { Fleet } from '@argosy/control/fleet-types';
import { type FleetTurn, put } from '@argosy/control/fleet/turn';
import { placeWaiting } from '@argosy/control/fleet/waiting';
import type { Guest } from '@argosy/domain/entities';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { inventoryOf } from './inventory-plan';

const now = 20_000;
const hostMemoryMiB = 1_000;

/** Two hosts with a guest each, and others that find no room. */
function crowded(waiting: Readonly<Record<string, number>>): Fleet {
  let id = 0;
  const fleet = createFleet({ newId: () => `id${++id}` });
  const inventory = inventoryOf({
    hosts: ['h1', 'h2'].map((name) => ({ name, memoryMiB: hostMemoryMiB })),
    guests: [],
    settings: { failure: { admission: 'none' } },
  });
  stepFleet(fleet, { kind: 'took-over', term: 1, inventory }, 0);
  const [image] = inventory.images;
  for (const [name, memoryMiB] of Object.entries({ first: 900, second: 900, ...waiting }))
    ask(fleet, { kind: 'guest.create', guest: { name, pool: 'main', image: image!.id, memoryMiB, start: false } });
  for (const name of ['first', 'second', ...Object.keys(waiting)]) change(fleet, name, { desired: 'running' });
  placeWaiting(turnOf(fleet));
  return fleet;
}

function ask(fleet: Fleet, request: FleetRequest): void {
  const { effects } = stepFleet(fleet, { kind: 'request', requestId: 'r', actor: 'test', request }, now);
  const [reply] = effects.flatMap((effect) => (effect.kind === 'reply' ? [effect.result] : []));
  if (!reply?.ok) throw new Error(JSON.stringify(reply));
}

function turnOf(fleet: Fleet): FleetTurn {
  return { fleet, now, writes: [], effects: [], actor: 'test' };
}

/** As if an administrator had asked for it: some of it would be refused while there is no room. */
function change(fleet: Fleet, name: string, changed: Partial<Guest>): void {
  put(turnOf(fleet), 'guest', { ...guestOf(fleet, name), ...changed });
}

function setMemory(fleet: Fleet, name: string, memoryMiB: number): void {
  const host = [...fleet.hosts.values()].find((each) => each.name === name)!;
  put(turnOf(fleet), 'host', { ...host, capacity: { ...host.capacity, memoryMiB } });
}

function guestOf(fleet: Fleet, name: string): Guest {
  return [...fleet.guests.values()].find((each) => each.name === name)!;
}

const stateOf = (fleet: Fleet, name: string): string => guestOf(fleet, name).state;

const waitingGuests = Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`waiting${number}`, 500 + number]));

test('guests that nobody took are tried again when a host has come to have room for one, and only those that it has room for', () => {
  const fleet = crowded(waitingGuests);
  expect(placeWaiting(turnOf(fleet))).toBe(0);
  setMemory(fleet, 'h1', hostMemoryMiB + 300);
  expect(placeWaiting(turnOf(fleet))).toBe(0);
  setMemory(fleet, 'h1', hostMemoryMiB + 402);
  expect(placeWaiting(turnOf(fleet))).toBe(1);
  expect(stateOf(fleet, 'waiting0')).toBe('starting');
  expect(placeWaiting(turnOf(fleet))).toBe(0);
  setMemory(fleet, 'h2', 3 * hostMemoryMiB);
  expect(placeWaiting(turnOf(fleet))).toBe(4);
  expect(Object.keys(waitingGuests).filter((name) => stateOf(fleet, name) === 'starting')).toHaveLength(5);
});

test('a guest that is changed is tried again, and the others are not', () => {
  const fleet = crowded(waitingGuests);
  change(fleet, 'waiting7', { memoryMiB: 90 });
  expect(placeWaiting(turnOf(fleet))).toBe(1);
  expect(stateOf(fleet, 'waiting7')).toBe('starting');
});

test('a guest under a rule is tried again whenever a place of any guest has changed', () => {
  const fleet = crowded(waitingGuests);
  ask(fleet, { kind: 'rule.create', rule: { name: 'r', pool: 'main', kind: 'apart', guests: ['first', 'waiting3'] } });
  expect(placeWaiting(turnOf(fleet))).toBe(30);
  expect(placeWaiting(turnOf(fleet))).toBe(0);
  setMemory(fleet, 'h1', hostMemoryMiB + 1);
  expect(placeWaiting(turnOf(fleet))).toBe(1);
});
