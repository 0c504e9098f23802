// Guests of the embedded VMM on the lab's switch: they reach each other, and the switch knows at once where one has gone.
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { GuestLine } from '@argosy/domain/guest-console';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import { expectUnbroken, quickPolicy } from '@argosy/vmm/conformance/scenes';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { EthernetSwitch } from '../../apps/lab/ethernet-switch.mjs';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';

const hosts = ['h1', 'h2'] as const;
type Counters = Extract<GuestLine, { kind: 'network' }>;

let fabric: EthernetSwitch;
let servers: Server[];
let bench: EmbeddedBench;
let under: Record<(typeof hosts)[number], HostUnderTest>;

beforeAll(ensureBuilt, 300_000);
beforeEach(async () => {
  fabric = new EthernetSwitch();
  servers = [];
  const pathOf = (folder: string, host: string) => join(folder, `${host}.net`);
  bench = new EmbeddedBench({ guestLink: (host, folder) => ({ kind: 'switch', path: pathOf(folder, host) }) });
  for (const host of hosts) {
    const server = createServer((socket) => fabric.plug(host, socket));
    await new Promise<void>((resolve) => server.listen(pathOf(bench.folder, host), resolve));
    servers.push(server);
  }
  under = { h1: new HostUnderTest(bench, 'h1'), h2: new HostUnderTest(bench, 'h2') };
});
afterEach(async () => {
  await bench.dispose();
  for (const server of servers) server.close();
});

/** A guest that is moved to and fro. */
class Station {
  epoch = 1;
  at: (typeof hosts)[number];

  constructor(
    readonly guest: GuestSpecification,
    host: (typeof hosts)[number],
  ) {
    this.at = host;
  }

  get instance(): VmmInstance {
    return { guestId: this.guest.guestId, epoch: this.epoch };
  }

  async start(): Promise<void> {
    await under[this.at].must({ call: 'start', guest: this.guest, epoch: 1 });
    await under[this.at].beats(this.instance);
  }

  say(text: string): Promise<unknown> {
    return under[this.at].must({ call: 'consoleWrite', instance: this.instance, text: `${text}\n` });
  }

  async counters(): Promise<Counters> {
    const heard = under[this.at].lines.length;
    await this.say('net');
    const find = () =>
      under[this.at].lines
        .slice(heard)
        .find((line): line is Counters => line.kind === 'network' && line.address === this.guest.network.address);
    for (let waitedMs = 0; !find() && waitedMs < 5_000; waitedMs += 5) await bench.wait(5);
    return find()!;
  }

  /** The host where the switch would send what is for it. */
  knownAt(): string | undefined {
    return fabric.hosts.get(fabric.stations.get(this.guest.network.macAddress.replaceAll(':', ''))!);
  }

  async move(): Promise<void> {
    const source = this.at;
    const target = source === 'h1' ? 'h2' : 'h1';
    const [before, after] = [this.instance, { ...this.instance, epoch: this.epoch + 1 }];
    const common = { policy: quickPolicy, disk: null };
    const { guest } = this;
    const incoming = await under[target].must({ call: 'prepareIncoming', guest, epoch: after.epoch, ...common });
    const { uri } = incoming;
    await under[source].must({ call: 'migrateOut', instance: before, targetEpoch: after.epoch, uri, ...common });
    await under[target].event('incoming-completed', after);
    await under[target].must({ call: 'resume', instance: after });
    this.at = target;
    this.epoch = after.epoch;
    await bench.wait(5);
    expect(this.knownAt()).toBe(target);
    await under[source].must({ call: 'stop', instance: before, graceMs: 0 });
  }
}

const everyMs = 5;

test('two guests answer each other on one host and on two, and go on while one of them moves ten times', async () => {
  const asked = new Station(bench.guest(), 'h1');
  const asking = new Station(bench.guest(), 'h1');
  await asked.start();
  await asking.start();
  await asking.say(`echo ${asked.guest.network.address} ${everyMs}`);
  await bench.wait(500);
  const onOneHost = await asking.counters();
  expect(onOneHost.answered).toBeGreaterThan(50);
  const lost: number[] = [];
  for (let move = 0; move < 10; move++) {
    const before = await asking.counters();
    await asked.move();
    await bench.wait(100);
    const after = await asking.counters();
    lost.push(after.sent - after.answered - (before.sent - before.answered));
  }
  // What it did not take while it stood still, and nothing for a switch that had yet to learn.
  expect(lost.reduce((sum, each) => sum + each, 0) * everyMs).toBeLessThan(10 * 100);
  const { served } = await asked.counters();
  expect(served).toBeGreaterThan(onOneHost.answered + 200);
  // And the one that asks may move as well: it goes on with its count.
  const before = await asking.counters();
  await asking.move();
  await bench.wait(200);
  expect((await asking.counters()).answered).toBeGreaterThan(before.answered + 10);
  expectUnbroken([...under.h1.heartbeats({ ...asking.instance, epoch: 1 }), ...under.h2.heartbeats(asking.instance)]);
}, 120_000);

test('a guest that goes on from its memory on another host is known there before it says anything', async () => {
  const station = new Station(bench.guest(), 'h1');
  await station.start();
  const { guest, instance } = station;
  const memoryPath = `${dirname(guest.diskPath)}/memory/one`;
  await under.h1.must({
    call: 'diskWork',
    work: { kind: 'suspend', ...instance, diskPath: guest.diskPath, memoryPath },
  });
  await under.h2.must({ call: 'start', guest: { ...guest, memoryPath }, epoch: 2 });
  await bench.wait(50);
  expect(station.knownAt()).toBe('h2');
});

test('a switch that goes and comes back finds its guests again', async () => {
  const asked = new Station(bench.guest(), 'h1');
  const asking = new Station(bench.guest(), 'h2');
  await asked.start();
  await asking.start();
  await asking.say(`echo ${asked.guest.network.address} ${everyMs}`);
  await bench.wait(300);
  for (const socket of fabric.hosts.keys()) socket.destroy();
  await bench.wait(1_500);
  const before = await asking.counters();
  await bench.wait(300);
  expect((await asking.counters()).answered).toBeGreaterThan(before.answered + 10);
}, 60_000);
