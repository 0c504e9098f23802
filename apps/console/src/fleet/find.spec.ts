import { find } from './find';
import type { Guest, Host } from './rows';

const guest = (name: string, changes: Partial<Guest> = {}) =>
  ({
    id: `id-of-${name}`,
    name,
    state: 'running',
    address: '10.0.0.1',
    macAddress: '52:54:00:00:00:01',
    ...changes,
  }) as Guest;
const host = { id: 'host-1', name: 'web-host', state: 'online', peerAddress: '10.9.0.1:4000' } as Host;
const fleet = {
  pools: [],
  hosts: [host],
  guests: [guest('db'), guest('web'), guest('old-web', { state: 'stopped', address: '10.7.7.7' })],
};
const names = (text: string) => find(fleet, text).map(({ name }) => name);

test('what begins with the words comes before what has them inside', () => {
  expect(names('web')).toEqual(['web-host', 'web', 'old-web']);
});

test('guests and hosts are found by address, id and state, and it is said by which', () => {
  expect(find(fleet, '10.7')).toMatchObject([{ name: 'old-web', note: '10.7.7.7' }]);
  expect(names('10.9.0.1')).toEqual(['web-host']);
  expect(names('stop')).toEqual(['old-web']);
  expect(names('ID-OF-DB')).toEqual(['db']);
});

test('nothing typed finds nothing', () => {
  expect(names('  ')).toEqual([]);
});
