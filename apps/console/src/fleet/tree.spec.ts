import type { Guest, Host, Pool } from './rows';
import { keyOfAddress, treeLines } from './tree';

const pool = { id: 'p', name: 'pool' } as Pool;
const host = (name: string) =>
  ({ id: name, name, poolId: 'p', state: 'online', maintenance: 'none', standby: 'none' }) as Host;
const guest = (name: string, hostId: string | null) =>
  ({ id: name, name, poolId: 'p', hostId, state: 'running' }) as Guest;
const fleet = {
  pools: [pool],
  hosts: [host('h2'), host('h10')],
  guests: [guest('a', 'h2'), guest('b', 'h2'), guest('idle', null)],
};
const lines = (turn: 'hosts' | 'pools' | 'guests', ...open: string[]) =>
  treeLines(fleet, turn, new Set(open)).map(({ name, level }) => `${' '.repeat(level - 1)}${name}`);

test('by hosts: a pool, its hosts, their guests, and those that are nowhere', () => {
  expect(lines('hosts', 'pool:p', 'host:h2', 'nowhere:p')).toEqual([
    'pool',
    ' h2',
    '  a',
    '  b',
    ' h10',
    ' On no host',
    '  idle',
  ]);
});

test('what is closed has nothing below it', () => {
  expect(lines('hosts')).toEqual(['pool']);
  expect(treeLines(fleet, 'hosts', new Set())[0]).toMatchObject({ isOpen: false, childCount: 2 });
});

test('what has nothing below it can be neither opened nor closed', () => {
  const h10 = treeLines(fleet, 'hosts', new Set(['pool:p', 'host:h10'])).find(({ name }) => name === 'h10');
  expect(h10!.isOpen).toBeNull();
  const nobodyPlaced = treeLines({ ...fleet, hosts: [] }, 'hosts', new Set(['pool:p']));
  expect(nobodyPlaced.map(({ name, isOpen }) => [name, isOpen])).toEqual([
    ['pool', true],
    ['On no host', false],
  ]);
});

test('turned: pools with their guests, or guests alone', () => {
  expect(lines('pools', 'pool:p')).toEqual(['pool', ' a', ' b', ' idle']);
  expect(lines('guests')).toEqual(['a', 'b', 'idle']);
});

test('the address of a page is of the same node by id and by name', () => {
  const all = {
    pool: [{ id: 'p1', name: 'pool' }],
    host: [{ id: 'i7', name: 'h2' }],
    guest: [{ id: 'h2', name: 'web' }],
  };
  const keys = ['/hosts/i7', '/hosts/h2/events', '/guests/web', '/guests/gone', '/hosts', '/drills/h2'];
  expect(keys.map((each) => keyOfAddress(each, all))).toEqual(['host:i7', 'host:i7', 'guest:h2', null, null, null]);
});
