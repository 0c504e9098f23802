import { readSettings } from './settings';

const good = {
  ARGOSY_HOST: 'h1',
  ARGOSY_POOL: 'lab',
  ARGOSY_CONTROLLER_URL: 'http://127.0.0.1:8080',
  ARGOSY_STATE_FOLDER: '/tmp/x',
};

test.each([
  ['ARGOSY_HOST', 'H 1', 'ARGOSY_HOST must be made of a-z, 0-9, "." and "-", like h1'],
  [
    'ARGOSY_CONTROLLER_URL',
    'controller',
    'ARGOSY_CONTROLLER_URL must be the address of the controller, like http://127.0.0.1:8080',
  ],
  ['ARGOSY_CPU_MILLICORES', 'two', 'ARGOSY_CPU_MILLICORES must be a whole number from 10 to 1024000'],
  ['ARGOSY_LISTEN_ADDRESS', '0.0.0.0', 'ARGOSY_ADVERTISE_ADDRESS must be given with ARGOSY_LISTEN_ADDRESS 0.0.0.0'],
  ['ARGOSY_ADVERTISE_ADDRESS', '0.0.0.0', 'ARGOSY_ADVERTISE_ADDRESS must be an address of this host'],
  ['ARGOSY_VMM', 'xen', 'ARGOSY_VMM must be what runs the guests of this host: qemu or embedded'],
  ['ARGOSY_GUEST_NETWORK', 'br0', 'ARGOSY_GUEST_NETWORK must be what guests are plugged into: bridge:'],
])('an agent does not start with %s=%j, and says what to write instead', (name, value, message) => {
  expect(() => readSettings({ ...good, [name]: value })).toThrow(message);
});

test('what is left out has its default, and the whole is frozen', () => {
  const settings = readSettings(good);
  expect(settings).toMatchObject({ listenAddress: '127.0.0.1', cgroup: null, cpuMillicores: null });
  expect(settings).toMatchObject({ vmm: 'qemu', advertiseAddress: '127.0.0.1', guestLink: { kind: 'none' } });
  expect(Object.isFrozen(settings)).toBe(true);
});
