// The lab's networks, in namespaces that it makes and removes, and its switch in user space.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { impairSwitch, switchSocket } from '../../apps/lab/ethernet-switch-process.mjs';
import { impairLinks } from '../../apps/lab/chassis-links.mjs';
import { joinGuestNetwork, removeNetwork, startNetwork } from '../../apps/lab/lab-network.mjs';
import { waitUntil } from '../../apps/lab/processes.mjs';

const hosts = ['h1', 'h2'];
const isAllowed = process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'ip', 'link']).status === 0;
const folders: string[] = [];

function aFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'argosy-network-')));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const folder of folders.splice(0)) {
    await removeNetwork(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

const namespaces = (): string[] => spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout.split('\n');
const interfaces = (): string[] => Object.keys(networkInterfaces()).filter((name) => name.startsWith('ag-'));
const inside = (namespace: string, ...command: string[]) =>
  execFileSync('nsenter', [`--net=/run/netns/${namespace}`, '--', ...command], { encoding: 'utf8' });

/** A server in one host's namespace that answers each connection with its client's address. */
async function listenIn(namespace: string, address: string): Promise<{ port: number; end: () => void }> {
  const program = `require('node:net').createServer((s) => s.end(s.remoteAddress)).listen(0, '${address}', function () { console.log(this.address().port); })`;
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, '--', process.execPath, '-e', program]);
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(Number(data))),
  );
  return { port, end: () => child.kill('SIGKILL') };
}

const heardBy = (namespace: string, address: string, port: number): string =>
  inside(namespace, process.execPath, '-e', `require('node:net').connect(${port}, '${address}').pipe(process.stdout)`);

type Place = ReturnType<Awaited<ReturnType<typeof startNetwork>>['host']>;
type Chassis = Parameters<typeof impairLinks>[0];

async function aHost() {
  const network = await startNetwork({ folder: aFolder(), hosts, wanted: 'namespaces' });
  const { namespace } = network.host('h2');
  return { network, namespace, chassis: { host: 'h2', networkNamespace: namespace } as Chassis };
}

/** A server in one host's namespace that sends every datagram back. */
async function echoIn({ namespace, address }: Place): Promise<{ address: string; port: number; end: () => void }> {
  const program = `const s = require('node:dgram').createSocket('udp4');
    s.on('message', (m, from) => s.send(m, from.port, from.address)).bind(0, '${address}', () => console.log(s.address().port))`;
  const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, '--', process.execPath, '-e', program]);
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(Number(data))),
  );
  return { address, port, end: () => child.kill('SIGKILL') };
}

/** Sends so many datagrams, 1 ms apart; value: how long each took that came back, in ms. */
function askTimes({ namespace }: Place, { address, port }: { address: string; port: number }, count: number): number[] {
  const program = `const s = require('node:dgram').createSocket('udp4'), took = [];
    s.on('message', (m) => took.push(performance.now() - m.readDoubleLE()));
    let left = ${count};
    const timer = setInterval(() => {
      const m = Buffer.alloc(1000);
      m.writeDoubleLE(performance.now());
      s.send(m, ${port}, '${address}');
      if (--left > 0) return;
      clearInterval(timer);
      setTimeout(() => (console.log(JSON.stringify(took)), s.close()), 300);
    }, 1)`;
  return JSON.parse(inside(namespace, process.execPath, '-e', program)) as number[];
}

const asRoot = isAllowed ? test : test.skip; // What is tested there is what only root may make; the switch below is for all.

asRoot('hosts reach each other and the servers by their own addresses, and nothing is left afterwards', async () => {
  const folder = aFolder();
  const network = await startNetwork({ folder, hosts, wanted: 'namespaces' });
  const [h1, h2] = hosts.map((host) => network.host(host));
  if (!h1 || !h2) throw new Error('there are two hosts');
  expect(new Set([h1.address, h2.address, network.serverAddress]).size).toBe(3);
  const server = await listenIn(h2.namespace, h2.address);
  try {
    expect(heardBy(h1.namespace, h2.address, server.port)).toBe(h1.address);
  } finally {
    server.end();
  }
  expect(inside(h1.namespace, 'ip', 'route')).toContain('quickack 1');
  await removeNetwork(folder);
  expect(namespaces().filter((name) => name.includes(network.fabric))).toEqual([]);
  expect(interfaces().filter((name) => network.fabric.includes(name.slice(3)))).toEqual([]);
});

asRoot(
  'the machine reaches guests in their subnet, for as long as the lab is there, and only where it is free',
  async () => {
    const [folder, second] = [aFolder(), aFolder()];
    const subnet = '10.252.7.0/24';
    const network = await startNetwork({ folder, hosts: ['h1'], wanted: 'namespaces' });
    joinGuestNetwork(network, subnet);
    joinGuestNetwork(network, subnet);
    const { namespace } = network.host('h1');
    inside(namespace, 'ip', 'address', 'add', '10.252.7.9/24', 'dev', 'guests');
    const guest = await listenIn(namespace, '10.252.7.9');
    try {
      const heard = new Promise((resolve) =>
        connect(guest.port, '10.252.7.9').once('data', (data) => resolve(data.toString())),
      );
      expect(await heard).toBe('10.252.7.254');
    } finally {
      guest.end();
    }
    const other = await startNetwork({ folder: second, hosts: ['h1'], wanted: 'namespaces' });
    joinGuestNetwork(other, '10.252.0.0/16');
    const ways = () => interfaces().filter((name) => name.endsWith('-g'));
    expect(ways().map((name) => network.fabric.includes(name.slice(3, -2)))).toContain(true);
    expect(ways().map((name) => other.fabric.includes(name.slice(3, -2)))).not.toContain(true);
    await removeNetwork(folder);
    expect(ways().map((name) => network.fabric.includes(name.slice(3, -2)))).not.toContain(true);
  },
);

asRoot('a second start finds the same network, and makes again what a crash left half made', async () => {
  const folder = aFolder();
  const first = await startNetwork({ folder, hosts: ['h1'], wanted: 'namespaces' });
  const before = inside(first.host('h1').namespace, 'ip', '-o', 'link');
  // Half made: it is there, and was not written down as whole.
  execFileSync('ip', ['netns', 'add', first.fabric.replace('fabric', 'h2')]);
  const second = await startNetwork({ folder, hosts, wanted: 'namespaces' });
  expect(second.serverAddress).toBe(first.serverAddress);
  expect(inside(second.host('h1').namespace, 'ip', '-o', 'link')).toBe(before);
  expect(inside(second.host('h2').namespace, 'ip', '-o', 'address')).toContain(`${second.host('h2').address}/24`);
});

asRoot('the network of a lab whose folder is gone is removed by the next lab that starts', async () => {
  const [lost, next] = [aFolder(), aFolder()];
  const { fabric } = await startNetwork({ folder: lost, hosts, wanted: 'namespaces' });
  rmSync(lost, { recursive: true });
  await startNetwork({ folder: next, hosts, wanted: 'namespaces' });
  expect(namespaces().join()).not.toContain(fabric);
  expect(readdirSync(next)).toContain('network.json');
});

asRoot('a cable that a drill cuts is whole again by itself', async () => {
  const { namespace, chassis } = await aHost();
  const carries = (card: string) => inside(namespace, 'ip', '-o', 'link', 'show', card).includes('LOWER_UP');
  const cut = { networks: ['management'], delayMs: 0, lossShare: 1, forMs: 300 };
  await impairLinks(chassis, cut);
  expect([carries('management'), carries('uplink')]).toEqual([false, true]);
  expect(await waitUntil(() => carries('management'), { deadlineMs: 3_000 })).toBe(true);
  await expect(impairLinks(chassis, { ...cut, forMs: 3_600_000 })).rejects.toThrow('forMs (1 to 60000)');
});

asRoot('a cable that a drill slows carries everything late, and is whole again by itself', async () => {
  const { network, chassis } = await aHost();
  const echo = await echoIn(network.host('h2'));
  try {
    const before = askTimes(network.host('h1'), echo, 20);
    await impairLinks(chassis, { networks: ['management', 'guests'], delayMs: 40, lossShare: 0, forMs: 2_500 });
    const slow = askTimes(network.host('h1'), echo, 100);
    expect([before.length, slow.length]).toEqual([20, 100]);
    expect(Math.min(...slow)).toBeGreaterThanOrEqual(80);
    const links = () => inside(network.fabric, 'ip', '-o', 'link');
    expect(links()).toContain('s-g-h2');
    expect(await waitUntil(() => !links().includes('s-'), { deadlineMs: 6_000 })).toBe(true);
    const after = askTimes(network.host('h1'), echo, 20);
    expect(after).toHaveLength(20);
    expect(Math.min(...after)).toBeLessThan(80);
  } finally {
    echo.end();
  }
});

asRoot('a cable that a drill makes lossy loses its share, each way', async () => {
  const { network, chassis } = await aHost();
  const echo = await echoIn(network.host('h2'));
  try {
    // Both know where the other is before anything is lost.
    askTimes(network.host('h1'), echo, 1);
    await impairLinks(chassis, { networks: ['management'], delayMs: 0, lossShare: 0.5, forMs: 3_000 });
    // A quarter comes back; less than 50 or more than 150 of 400 are 6 standard deviations away.
    const answered = askTimes(network.host('h1'), echo, 400).length;
    expect(answered).toBeGreaterThan(50);
    expect(answered).toBeLessThan(150);
  } finally {
    echo.end();
  }
});

test('where hosts share the machine’s network only that of the guests can be broken, for a time', async () => {
  const { folder, a, b, c } = await threePlugs();
  const environment = { ARGOSY_GUEST_NETWORK: 'switch:here' };
  const chassis = { host: 'h2', folder: join(folder, 'hosts/h2'), environment } as unknown as Parameters<
    typeof impairLinks
  >[0];
  const cut = { delayMs: 0, lossShare: 1, forMs: 300 };
  await expect(impairLinks(chassis, { ...cut, networks: ['management'] })).rejects.toThrow('shares the network');
  await impairLinks(chassis, { ...cut, networks: ['guests'] });
  a.send(everybody, station(1), 'cut');
  expect(await seen(b, 'cut')).toBe(true);
  await sleep(400);
  a.send(everybody, station(1), 'whole again');
  expect(await seen(c, 'whole again')).toBe(true);
  expect(c.heard).not.toContain('cut');
  for (const plug of [a, b, c]) plug.unplug();
});

// ---- The switch in user space ----

const station = (number: number): Buffer => Buffer.from([2, 0x41, 0, 0, 0, number]);
const everybody = Buffer.alloc(6, 0xff);

class Plug {
  readonly heard: string[] = [];
  private readonly socket: Socket;
  private pending = Buffer.alloc(0);

  constructor(folder: string, host: string) {
    this.socket = connect(switchSocket(folder, host));
    this.socket.on('data', (data) => this.take(Buffer.from(data)));
  }

  send(to: Buffer, from: Buffer, text: string): void {
    const frame = Buffer.concat([to, from, Buffer.from([0x88, 0xb5]), Buffer.from(text)]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    // In pieces, as a stream may bring them.
    this.socket.write(length.subarray(0, 3));
    this.socket.write(Buffer.concat([length.subarray(3), frame]));
  }

  unplug(): void {
    this.socket.destroy();
  }

  private take(data: Buffer): void {
    this.pending = Buffer.concat([this.pending, data]);
    while (this.pending.length >= 4 && this.pending.length >= 4 + this.pending.readUInt32BE(0)) {
      const end = 4 + this.pending.readUInt32BE(0);
      this.heard.push(this.pending.toString('utf8', 18, end));
      this.pending = this.pending.subarray(end);
    }
  }
}

const seen = (plug: Plug, text: string) =>
  waitUntil(() => plug.heard.includes(text), { deadlineMs: 2_000, intervalMs: 2 });

async function threePlugs() {
  const folder = aFolder();
  const network = await startNetwork({ folder, hosts, wanted: 'switch' });
  expect(network).toMatchObject({ kind: 'switch', serverAddress: '127.0.0.1' });
  const [a, b, c] = [new Plug(folder, 'h1'), new Plug(folder, 'h1'), new Plug(folder, 'h2')] as const;
  a.send(everybody, station(1), 'a is here');
  expect(await seen(b, 'a is here')).toBe(true);
  expect(await seen(c, 'a is here')).toBe(true);
  return { folder, a, b, c };
}

test('the switch floods what it does not know, and learns behind whom a station is, also when it moves', async () => {
  const { a, b, c } = await threePlugs();
  c.send(station(1), station(3), 'to a alone');
  expect(await seen(a, 'to a alone')).toBe(true);
  // The guest has migrated, and announces itself from its new host.
  c.send(everybody, station(1), 'moved');
  expect(await seen(b, 'moved')).toBe(true);
  b.send(station(1), station(2), 'to where it is now');
  expect(await seen(c, 'to where it is now')).toBe(true);
  expect(b.heard).not.toContain('to a alone');
  expect(a.heard).not.toContain('to where it is now');
  for (const plug of [a, b, c]) plug.unplug();
});

test('a cut uplink carries nothing between hosts, a slow one later and in order, and a whole one all again', async () => {
  const { folder, a, b, c } = await threePlugs();
  await impairSwitch(folder, { host: 'h2', cut: true });
  a.send(everybody, station(1), 'cut');
  expect(await seen(b, 'cut')).toBe(true);
  await sleep(50);
  expect(c.heard).not.toContain('cut');
  await impairSwitch(folder, { host: 'h2', delayMs: 100, jitterMs: 50 });
  const begun = performance.now();
  const texts = Array.from({ length: 20 }, (_, index) => `late ${index}`);
  for (const text of texts) a.send(everybody, station(1), text);
  expect(await seen(c, 'late 19')).toBe(true);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(49);
  expect(c.heard.filter((text) => text.startsWith('late'))).toEqual(texts);
  await impairSwitch(folder, { host: 'h2' });
  a.send(everybody, station(1), 'whole again');
  expect(await seen(c, 'whole again')).toBe(true);
  for (const plug of [a, b, c]) plug.unplug();
});

test('an uplink that loses frames loses that share of them, keeps the others in order, and none within its host', async () => {
  const { folder, a, b, c } = await threePlugs();
  await impairSwitch(folder, { host: 'h2', lossShare: 0.3 });
  const texts = Array.from({ length: 1_000 }, (_, index) => `frame ${index}`);
  for (const text of texts) a.send(everybody, station(1), text);
  expect(await seen(b, 'frame 999')).toBe(true);
  expect(b.heard.filter((text) => text.startsWith('frame'))).toEqual(texts);
  await impairSwitch(folder, { host: 'h2' });
  a.send(everybody, station(1), 'the last');
  expect(await seen(c, 'the last')).toBe(true);
  const heard = c.heard.filter((text) => text.startsWith('frame'));
  // Seven standard deviations to each side.
  expect(heard.length).toBeGreaterThan(600);
  expect(heard.length).toBeLessThan(800);
  expect(heard).toEqual(texts.filter((text) => heard.includes(text)));
  for (const plug of [a, b, c]) plug.unplug();
});
