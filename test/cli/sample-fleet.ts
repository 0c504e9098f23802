// Three hosts, two guests and what a fleet has besides, as the server of the tests answers it.
import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { Host, Migration, Pool, Recommendation } from '@argosy/domain/entities';
import type { Datastore, Image } from '@argosy/domain/storage';
import type { Drill } from '@argosy/domain/drill';
import type { Roll } from '@argosy/domain/roll';
import { Refused, type Handlers } from './fleet-server';

const createdAt = Date.now() - 3_600_000;
const uuid = (digit: string): string => `${digit.repeat(8)}-1111-4111-8111-111111111111`;

export const pool: Pool = {
  id: uuid('a'),
  name: 'lab',
  balance: {
    automation: 'full',
    threshold: 3,
    intervalMs: 10_000,
    coolDownMs: 60_000,
    cpuSafetyShare: 0.85,
    memoryRatio: 1,
    vcpuRatio: 0,
  },
  migration: {
    autoConverge: true,
    postCopy: false,
    encrypted: true,
    bandwidthMiBPerSecond: 10_240,
    downtimeLimitMs: 10,
    copyDeadlineMs: 60_000,
    concurrentPerHost: 2,
  },
  failure: {
    suspectAfterMs: 2000,
    failedAfterMs: 2600,
    datastoreSilentAfterMs: 1600,
    maximumSilentHosts: 1,
    isolatedAfterMs: 10_000,
    watchdogLeaseMs: 20_000,
    lockIsProof: false,
    restartReady: 'placed',
    restartWaitMs: 60_000,
    guestMonitoringMs: 0,
    guestRestarts: 20,
    poolRestarts: 1_000,
    hostFailures: 3,
    budgetWindowMs: 3_600_000,
    admission: 'host-failures',
    reservedCpuShare: 0.25,
    reservedMemoryShare: 0.25,
    toleratedHostFailures: 1,
  },
  power: { automation: 'off', offShare: 0.6, onShare: 0.8, lowForMs: 600_000 },
  network: { subnet: '10.128.0.0/16', gateway: null },
  isolationResponse: 'power-off',
  createdAt,
};

export function aHost(name: string, changes: Partial<Host> = {}): Host {
  return {
    id: `host-${name}`,
    name,
    poolId: pool.id,
    state: 'online',
    stateReason: '',
    maintenance: 'none',
    standby: 'none',
    incarnation: 1,
    peerAddress: '127.0.0.1:7001',
    queue: `agent-${name}`,
    capacity: { cpuMillicores: 500, memoryMiB: 1024 },
    capabilities: {
      driver: 'qemu', version: '7.2.0', accelerator: 'tcg', acceleratorReason: '/dev/kvm is missing', machineType: 'q35', cpuModel: 'max',
      guestArchitectures: ['x86_64'], liveMigration: true, postCopy: false, facts: [{ name: 'VT-x', value: 'no', reason: 'not in /proc/cpuinfo' }],
    }, // prettier-ignore
    failureDomain: null,
    failoverOnly: false,
    degraded: null,
    quarantined: false,
    failures: [],
    fenceDevices: [
      {
        name: 'chassis', kind: 'chassis', address: '/tmp/h.sock', options: {}, secretNames: [], deadlineMs: 3000,
        setBy: 'agent',
      },
    ], // prettier-ignore
    createdAt,
    ...changes,
  };
}

export function aDatastore(name: string, path: string): Datastore {
  const room = { hostId: null, alarmUsedShare: 0.85, use: null };
  return { id: `${name}-1`, name, path, shared: true, ...room, createdAt: 0 };
}

export function aGuest(name: string, changes: Partial<Guest> = {}): Guest {
  return {
    id: `guest-${name}`,
    name,
    poolId: pool.id,
    imageId: image.id,
    datastoreId: image.datastoreId,
    memoryPath: null,
    memoryMachine: null,
    vcpus: 1,
    memoryMiB: 64,
    diskMiB: 16,
    cpuReservationMillicores: 0,
    cpuLimitMillicores: null,
    cpuShares: 1000,
    restartPriority: 'medium',
    cloudInitBytes: null,
    address: '10.128.0.2',
    macAddress: '02:41:0a:80:00:02',
    desired: 'running',
    state: 'running',
    stateReason: '',
    epoch: 3,
    reservedEpoch: 3,
    hostId: 'host-h1',
    createdAt,
    movedAt: null,
    failedStarts: 0,
    retryAt: null,
    restarts: [],
    lostAt: null,
    display: 'none',
    probe: null,
    isTemplate: false,
    clonedFrom: null,
    diskMade: true,
    basePaths: [],
    ...changes,
  };
}

export const image: Image = {
  id: uuid('b'), name: 'tiny', format: 'kernel', architecture: 'x86_64', firmware: 'none', kernelPath: '/store/images/tiny.elf', initrdPath: null,
  kernelArguments: null, diskPath: null, datastoreId: uuid('c'), minimumMemoryMiB: 32, createdAt,
}; // prettier-ignore

export function aMigration(changes: Partial<Migration> = {}): Migration {
  return {
    id: uuid('d'), guestId: 'guest-web', sourceHostId: 'host-h1', targetHostId: 'host-h2', sourceDatastoreId: null, targetDatastoreId: null,
    epoch: 4, step: 'copy', reason: 'asked for', requestedBy: 'admin',
    progress: { transferredBytes: 1e7, remainingBytes: 3e7, totalBytes: 6e7, bytesPerSecond: 5e8, dirtyBytesPerSecond: 1e6, iteration: 1, expectedEndMs: 1200 },
    downtimeMs: null, guestSeenDowntimeMs: null, failure: null, steps: [{ step: 'check', at: createdAt }], createdAt, endedAt: null, ...changes,
  }; // prettier-ignore
}

export const recommendation: Recommendation = {
  id: uuid('e'), balanceRunId: uuid('f'), poolId: pool.id, guestId: 'guest-web', fromHostId: 'host-h1', toHostId: 'host-h2', priority: 2,
  reason: 'h1 is overloaded', gain: 0.21, cost: 0.04, projected: [{ hostId: 'host-h1', cpuBefore: 0.9, cpuAfter: 0.6, memoryBeforeMiB: 128, memoryAfterMiB: 64 }],
  state: 'open', createdAt,
}; // prettier-ignore

export function aDrill(changes: Partial<Drill> = {}): Drill {
  const phase = (name: Drill['phases'][number]['name'], measuredMs: number, objectiveMs: number | null) => ({
    name, predictedMs: measuredMs + 10, measuredMs, objectiveMs, met: objectiveMs === null ? null : measuredMs <= objectiveMs,
  }); // prettier-ignore
  return {
    id: uuid('9'), kind: 'host-loss', poolId: pool.id, hostId: 'host-h2', guestId: null, impairment: null, state: 'finished', objectives: { detect: 3000 },
    phases: [phase('inject', 5, null), phase('detect', 2800, 3000), phase('fence', 2900, null), phase('restart', 3100, null), phase('alive', 3400, null)],
    outages: [{ guestId: 'guest-web', guestName: 'web', predictedMs: 3300, outageMs: 3400, fromHostId: 'host-h2', toHostId: 'host-h3' }],
    verdict: 'met', explanation: '', requestedBy: 'admin', createdAt, injectedAt: createdAt + 10, endedAt: createdAt + 4000, ...changes,
  }; // prettier-ignore
}

export interface SampleFleet {
  readonly hosts: Map<string, Host>;
  readonly guests: Map<string, Guest>;
  readonly images: Map<string, Image>;
  readonly datastores: Datastore[];
  readonly migrations: Migration[];
  readonly drills: Drill[];
  consoleText: string;
}

export function sampleFleet(): SampleFleet {
  const byName = <Row extends { readonly name: string }>(rows: readonly Row[]) =>
    new Map(rows.map((row) => [row.name, row]));
  return {
    hosts: byName([aHost('h1'), aHost('h2'), aHost('h3', { state: 'fenced', stateReason: 'its power was cut' })]),
    guests: byName([aGuest('web'), aGuest('db', { state: 'stopped', desired: 'stopped', hostId: null })]),
    images: byName([image]),
    datastores: [],
    migrations: [],
    drills: [],
    consoleText: 'ready v1 memory=65536 boot=1\r\nhb 1 100\r\n',
  };
}

const page = <Row>(items: Iterable<Row>) => ({ items: [...items], nextCursor: null });

function find<Row extends { readonly id: string }>(
  rows: ReadonlyMap<string, Row>,
  reference: string,
  kind: string,
): Row {
  const row = rows.get(reference) ?? [...rows.values()].find(({ id }) => id === reference);
  if (row) return row;
  throw new Refused(`unknown-${kind}`, `There is no ${kind} "${reference}". Known: ${[...rows.keys()].join(', ')}.`);
}

/** An action becomes true a moment after it is accepted, as in a real fleet. */
function soon(act: () => void): void {
  setTimeout(act, 300);
}

/** Each host in a round of its own. */
export function aRoll(hosts: readonly Host[]): Roll {
  const [since, output] = [createdAt, ''];
  return {
    id: uuid('9'),
    poolId: pool.id,
    command: 'upgrade',
    state: 'running',
    hosts: hosts.map(({ id: hostId }, index) => ({ hostId, round: index + 1, step: 'waiting', since, output })),
    requestedBy: 'ada',
    failure: null,
    createdAt,
    endedAt: null,
  };
}

export function handlersOf(fleet: SampleFleet): Handlers {
  const { guests, hosts, images } = fleet;
  const change = (reference: string, now: Partial<Guest>, later: Partial<Guest>) => {
    const row = { ...find(guests, reference, 'guest'), ...now };
    guests.set(row.name, row);
    soon(() => guests.set(row.name, { ...row, ...later }));
    return row;
  };
  return {
    'pool.list': () => page([pool]),
    'pool.get': () => pool,
    'pool.tolerance': () => ({
      poolId: pool.id,
      tolerated: 1,
      isExact: true,
      witness: { hostIds: [...hosts.values()].slice(0, 2).map(({ id }) => id), guestIds: [] },
      unprotectedGuestIds: [],
      explanation: 'tolerates 1 host',
    }),
    'pool.create': ({ body }) => ({ ...pool, name: body.name }),
    'pool.update': ({ body }) => ({ ...pool, name: body.name ?? pool.name }),
    'host.list': () => page(hosts.values()),
    'host.get': ({ params }) => find(hosts, params.host, 'host'),
    'host.capabilities': ({ params }) => {
      const host = find(hosts, params.host, 'host');
      return { hostId: host.id, hostName: host.name, drivers: host.capabilities ? [host.capabilities] : [] };
    },
    'host.fence': ({ params }) => ({ ...find(hosts, params.host, 'host'), state: 'fencing' }),
    'guest.list': ({ query }) =>
      page([...guests.values()].filter(({ hostId }) => query.host === undefined || hostId === `host-${query.host}`)),
    'guest.get': ({ params }) => find(guests, params.guest, 'guest'),
    'guest.processors': ({ params }) => {
      const guest = find(guests, params.guest, 'guest');
      return {
        reservationMillicores: guest.cpuReservationMillicores,
        limitMillicores: guest.cpuLimitMillicores,
        shares: guest.cpuShares,
        demandMillicores: 480,
        entitlementMillicores: 400,
        usedMillicores: 300,
        metShare: 0.75,
      };
    },
    'guest.create': ({ body }) => {
      if (guests.has(body.name)) throw new Refused('name-taken', `There is a guest ${body.name} already.`);
      const row = aGuest(body.name, {
        state: 'starting',
        desired: 'running',
        memoryMiB: body.memoryMiB ?? 64,
        cloudInitBytes: body.cloudInit?.length ?? null,
      });
      guests.set(row.name, row);
      soon(() => guests.set(row.name, { ...row, state: 'running' }));
      return row;
    },
    'guest.update': ({ params, body }) => ({ ...find(guests, params.guest, 'guest'), ...body }),
    'guest.remove': ({ params }) => void guests.delete(find(guests, params.guest, 'guest').name),
    'guest.start': ({ params }) =>
      change(params.guest, { state: 'starting', desired: 'running' }, { state: 'running', hostId: 'host-h1' }),
    'guest.stop': ({ params }) =>
      change(params.guest, { state: 'stopping', desired: 'stopped' }, { state: 'stopped', hostId: null }),
    'guest.restart': ({ params }) =>
      change(params.guest, { state: 'stopping', desired: 'running' }, { state: 'running', epoch: 4 }),
    'guest.pause': ({ params }) => change(params.guest, { desired: 'paused' }, { state: 'paused' }),
    'guest.migrate': ({ params, body }) => {
      const guest = find(guests, params.guest, 'guest');
      if (body.host !== undefined && guest.hostId === `host-${body.host}`)
        throw new Refused('same-host', `${guest.name} runs on ${body.host} already.`);
      fleet.migrations.unshift(aMigration());
      soon(
        () =>
          (fleet.migrations[0] = aMigration({
            step: 'done',
            endedAt: createdAt + 800,
            downtimeMs: 4,
            guestSeenDowntimeMs: 9,
          })),
      );
      return fleet.migrations[0];
    },
    'guest.console': () => ({ text: fleet.consoleText }),
    'guest.console-write': ({ body }) => {
      soon(() => (fleet.consoleText += `answer to ${body.text.trim()}\r\n`));
    },
    'guest.placements': () => page([]),
    'placement.list': () =>
      page([
        {
          guestId: 'guest-web',
          hostId: 'host-h1',
          epoch: 3,
          from: createdAt,
          to: null,
          reason: 'start',
          endReason: null,
          guestName: 'web',
          hostName: 'h1',
        },
      ]),
    'image.list': () => page(images.values()),
    'image.get': ({ params }) => find(images, params.id, 'image'),
    'image.create': ({ body }) => {
      const row: Image = {
        ...image,
        id: `image-${body.name}`,
        name: body.name,
        format: body.format,
        firmware: body.firmware ?? 'none',
        diskPath: body.diskPath ?? null,
        kernelPath: body.kernelPath ?? null,
      };
      images.set(row.name, row);
      return row;
    },
    'datastore.list': () => page(fleet.datastores),
    'rule.list': () => page([]),
    'rule.create': ({ body }) => ({
      id: 'rule-1',
      name: body.name,
      poolId: pool.id,
      kind: body.kind,
      guestIds: body.guests,
      hostIds: body.hosts ?? [],
      createdAt,
    }),
    'migration.list': () => page(fleet.migrations),
    'migration.get': ({ params }) => {
      const row = fleet.migrations.find(({ id }) => id === params.id);
      if (row) return row;
      throw new Refused('unknown-migration', `There is no migration ${params.id}.`);
    },
    'balance.run': () => page([recommendation]),
    'balance.list': () =>
      page([
        {
          id: uuid('f'),
          poolId: pool.id,
          at: createdAt,
          imbalanceBefore: 0.3,
          imbalanceAfter: 0.1,
          recommendationCount: 1,
          explanation: 'one move',
        },
      ]),
    'recommendation.list': () => page([recommendation]),
    'recommendation.apply': () => page([{ ...recommendation, state: 'applied' }]),
    'drill.run': ({ body }) => {
      const missed = body.objectives?.detect === 1;
      fleet.drills.unshift(aDrill({ state: 'detecting', verdict: null, endedAt: null }));
      soon(() => (fleet.drills[0] = aDrill(missed ? { verdict: 'missed' } : {})));
      return fleet.drills[0];
    },
    'drill.list': () => page(fleet.drills),
    'drill.get': ({ params }) => {
      const row = fleet.drills.find(({ id }) => id === params.id);
      if (row) return row;
      throw new Refused('unknown-drill', `There is no drill ${params.id}.`);
    },
    'event.list': () =>
      page([
        {
          id: 7,
          at: createdAt,
          code: 'guest-started',
          severity: 'information',
          subjectKind: 'guest',
          subjectId: 'guest-web',
          message: 'web runs on h1.',
          actor: 'argosy',
          details: {},
        },
      ]),
    'alarm.list': () => page([]),
    'task.list': () => page([]),
    'usage.list': () =>
      page([
        {
          hostId: 'host-h1',
          heardAt: Date.now(),
          capacity: { cpuMillicores: 500, memoryMiB: 1024 },
          cpuMillicores: 320,
          guests: [
            {
              guestId: 'guest-web', epoch: 3, state: 'running', refusal: null, usage: { cpuMillicores: 312, cpuDemandMillicores: 480, residentMiB: 40, dirtyBytesPerSecond: null , diskBytes: null, vmmSilentMs: 0 },
              heartbeat: { count: 1234, work: 5, at: Date.now(), firstAt: Date.now() - 65_000 },
            }, // prettier-ignore
          ],
        },
      ]),
    'token.create': () => ({
      id: 't1',
      userId: 'u1',
      description: '',
      prefix: 'argosy_a',
      createdAt,
      expiresAt: null,
      lastUsedAt: null,
      secret: 'argosy_abc',
    }),
    'lab.get': () => ({
      version: '0.1.0',
      controller: 'c1',
      startedAt: createdAt,
      leader: { term: 2, holder: 'c1', url: 'http://127.0.0.1:1', held: true, at: createdAt },
      database: 'up',
      redis: 'up',
      lab: null,
    }),
    whoami: () => ({ name: 'admin', role: 'administrator', tokenId: 't1' }),
  };
}
