import { formatAddress, freeAddress, freeSubnet, isHostAddress, macAddressOf, overlap, parseSubnet } from './network';

const network = { subnet: '10.9.0.0/29', gateway: null };

test.each(['10.9.0.1/29', '10.9.0.0/30', '10.9.0.0/7', '10.9.0.256/29', '10.9.0/24', '::/16', '10.9.0.0', ''])(
  '%j is no subnet',
  (text) => expect(parseSubnet(text)).toBeNull(),
);

test('subnets overlap when one holds the other, and not when they lie side by side', () => {
  expect(overlap('10.0.0.0/8', '10.200.4.0/24')).toBe(true);
  expect(overlap('10.200.4.0/24', '10.0.0.0/8')).toBe(true);
  expect(overlap('10.200.4.0/24', '10.200.5.0/24')).toBe(false);
});

test('a pool that names no subnet gets one that overlaps no other, until there is none left', () => {
  expect(freeSubnet([])).toBe('10.128.0.0/16');
  expect(freeSubnet(['10.128.7.0/24', '10.129.0.0/16'])).toBe('10.130.0.0/16');
  expect(freeSubnet(['10.0.0.0/8'])).toBeNull();
});

test('every address of a subnet is given once, but for the network, its router and its broadcast', () => {
  const taken = new Set<string>();
  let last: string | null = null;
  for (let next = freeAddress(network, taken, last); next; next = freeAddress(network, taken, last)) {
    expect(isHostAddress(network.subnet, next)).toBe(true);
    taken.add(next);
    last = next;
  }
  expect([...taken]).toEqual(['10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.5', '10.9.0.6']);
});

test('an address that came back is given again only after all others, and the gateway never', () => {
  const taken = new Set(['10.9.0.3']);
  expect(freeAddress(network, taken, '10.9.0.3')).toBe('10.9.0.4');
  expect(freeAddress({ ...network, gateway: '10.9.0.4' }, taken, '10.9.0.3')).toBe('10.9.0.5');
  expect(freeAddress(network, taken, '10.9.0.6')).toBe('10.9.0.2');
});

test('a MAC address is locally administered, of one station, and different for different addresses', () => {
  const mac = macAddressOf('10.128.0.2');
  expect(mac).toBe('02:41:0a:80:00:02');
  expect(parseInt(mac.slice(0, 2), 16) & 0b11).toBe(0b10);
  expect(new Set(Array.from({ length: 1000 }, (_, index) => macAddressOf(formatAddress(index)))).size).toBe(1000);
});
