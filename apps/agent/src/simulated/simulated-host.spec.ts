import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetClock } from '@argosy/domain/fleet-clock';
import { PeerClient } from '@argosy/peer/peer-client';
import { VirtualClock } from '@argosy/simulator/clock';
import { ModelSite, usualVmmTimes } from '@argosy/simulator/model-machine';
import { Gate } from './outside';
import { SimulatedHost, type SimulatedSite } from './simulated-host';

/** An agent that has no answer asks again by then. */
const patienceMs = 2_500;

let folder: string;
let controller: Server;
let asked: ServerResponse[];
let host: SimulatedHost | null;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-simulated-'));
  mkdirSync(join(folder, 'hosts/h1'), { recursive: true });
  asked = [];
  host = null;
  controller = createServer((request, response) => {
    request.resume();
    asked.push(response);
  });
  await new Promise<void>((resolve) => controller.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await host?.close();
  controller.closeAllConnections();
  controller.close();
  rmSync(folder, { recursive: true });
});

function answer(response: ServerResponse | undefined, incarnation: number): void {
  const isolation = { response: 'keep-running', isolatedAfterMs: 5_000, leaseMs: 8_000 };
  const about = { hostId: 'h1', incarnation, term: 1, at: Date.now() };
  const assignments = { ...about, guests: [], migrations: [], isolation };
  response?.writeHead(200, { 'content-type': 'application/json' });
  response?.end(JSON.stringify({ assignments, redisUrl: 'redis://x', hostKey: 'k', migrationSecret: 's' }));
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !holds(); turn++) await sleep(4);
  expect(holds()).toBe(true);
}

test('a host that asks again while its first question is being answered asks no second time: it would be a stranger to its answer', async () => {
  const model = new VirtualClock(Date.now());
  const clock = new FleetClock(() => model.now);
  const heard: number[] = [];
  const site = new ModelSite(model, usualVmmTimes);
  const around = {
    site,
    clock,
    // As it goes on a busy machine: when the answer is there, the model is behind by more than an agent waits.
    time: { catchUp: () => model.runUntil(model.now + patienceMs) },
    outside: {
      keyOf: () => null,
      learnKey: () => undefined,
      open: () => undefined,
      busOf: () => ({
        isUp: () => true,
        work: () => undefined,
        stopWork: () => undefined,
        publish: (told: { heartbeat?: { incarnation: number }; report?: { incarnation: number } }) =>
          heard.push((told.report ?? told.heartbeat)!.incarnation),
      }),
    },
    peers: new PeerClient(),
    gate: new Gate(),
    queue: 'agents',
    poolName: 'lab',
    controllerUrls: [`http://127.0.0.1:${(controller.address() as AddressInfo).port}`],
    joinToken: 'token',
    stateFolder: folder,
    listenAddress: '127.0.0.1',
    redisUrl: null,
    capacity: { cpuMillicores: 1_000, memoryMiB: 1_024 },
    controllerAnswers: () => true,
    say: () => undefined,
    fail: (error: unknown) => {
      throw error;
    },
  } as unknown as SimulatedSite;
  host = new SimulatedHost('h1', around);
  await host.open();
  host.powerOn();
  model.runUntil(model.now + 1_000);
  await until(() => asked.length === 1);
  answer(asked[0], 1);
  await until(() => host!.isRegistered);
  model.runUntil(model.now + 3_000);
  await sleep(50);
  expect(asked).toHaveLength(1);
  expect(new Set(heard)).toEqual(new Set([1]));
});
