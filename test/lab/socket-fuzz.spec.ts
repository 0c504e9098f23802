// Whatever is sent to the lab's own sockets, the processes behind them go on: a host's power and its guests' network hang on them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { powerRequest, startPower } from '../../apps/lab/chassis.mjs';
import {
  impairSwitch,
  startSwitch,
  stopSwitch,
  switchControlSocket,
  switchSocket,
} from '../../apps/lab/ethernet-switch-process.mjs';
import { hostileValue } from '../controller/hostile-json';
import { fuzzSeed } from '../controller/fuzz-edge';

const runs = 150;
const folder = mkdtempSync(join(tmpdir(), 'argosy-sockets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sent whole, and the connection ended, or cut by the other side before. */
function spray(path: string, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(50, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    socket.end(Buffer.from(bytes));
  });
}

const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value) ?? ''}\n`);
const noise = fc.oneof(fc.uint8Array({ maxLength: 3000 }), fc.constant(new Uint8Array(200_000).fill(120)));

test('no bytes end the process that holds a host’s power', async () => {
  const config = {
    host: 'h1',
    folder: join(folder, 'h1'),
    socket: join(folder, 'h1', 'power.sock'),
    cpuMillicores: 100,
    memoryMiB: 64,
    command: ['/bin/sleep', '600'],
    environment: {},
    heartbeatFile: join(folder, 'h1', 'heartbeat'),
    stateFolder: join(folder, 'h1', 'state'),
    namespace: 'auto' as const,
    cpuMethod: 'none' as const,
  };
  await startPower(config);
  const before = await powerRequest(config.socket, { op: 'status' });
  // What would be done, and rightly so, is another test's.
  const operation = fc.constantFrom('status', 'none', 'impair', '', '__proto__', 'constructor');
  const request = fc.record({ id: hostileValue, op: operation, incarnation: hostileValue, term: hostileValue });
  const attempt = fc.oneof(noise, request.map(line), hostileValue.map(line));
  try {
    await fc.assert(
      fc.asyncProperty(attempt, (bytes) => spray(config.socket, bytes)),
      { seed: fuzzSeed(), numRuns: runs },
    );
    expect(await powerRequest(config.socket, { op: 'status' })).toEqual({ ...before });
  } finally {
    await powerRequest(config.socket, { op: 'shutdown-power-process' });
  }
}, 60_000);

test('no bytes end the guests’ switch, on its ports or where it is told of impairments', async () => {
  const hosts = ['h1', 'h2'];
  const place = join(folder, 'switch');
  mkdirSync(place);
  await startSwitch(place, hosts);
  const impairment = fc.record({ host: hostileValue, cut: hostileValue, delayMs: hostileValue, forMs: hostileValue });
  const frame = fc.uint8Array({ maxLength: 200 }).map((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  });
  const attempt = fc.tuple(
    fc.constantFrom(switchControlSocket(place), ...hosts.map((host) => switchSocket(place, host))),
    fc.oneof(noise, impairment.map(line), hostileValue.map(line), frame),
  );
  try {
    await fc.assert(
      fc.asyncProperty(attempt, ([path, bytes]) => spray(path, bytes)),
      { seed: fuzzSeed(), numRuns: 2 * runs },
    );
    await impairSwitch(place, { host: 'h2' });
    const heard = new Promise<string>((resolve) => {
      const listener = connect(switchSocket(place, 'h2'), () => {
        const talker = connect(switchSocket(place, 'h1'));
        talker.end(Buffer.from('00000012ffffffffffff02410000000188b500000000', 'hex'));
      });
      listener.once('data', (data) => {
        listener.destroy();
        resolve(data.toString('hex'));
      });
    });
    expect(await heard).toContain('ffffffffffff024100000001');
  } finally {
    await stopSwitch(place);
  }
}, 60_000);
