import { defaultBalance, defaultFailure, defaultMigration, defaultPower, fenceRetryMs } from '@argosy/control/defaults';
import type { Inventory } from '@argosy/control/ports/fleet-store';
import type { Guest, GuestProbe, Host, Pool, Rule, RuleKind } from '@argosy/domain/entities';
import type { RestartPriority } from '@argosy/domain/policies';
import type { Datastore } from '@argosy/domain/storage';
import { usualLimits } from '@argosy/domain/guest-specification';
import type { FenceDevice } from '@argosy/domain/fence-device';
import type { PoolSettings } from '@argosy/domain/fleet-request';
import { formatAddress, macAddressOf, parseAddress } from '@argosy/domain/network';
import { modelCapabilities } from './model-vmm';

export interface HostPlan {
  readonly name: string;
  readonly memoryMiB: number;
  /** Without one, `main`. */
  readonly pool?: string;
  readonly cpuMillicores?: number;
  readonly off?: boolean;
  readonly failureDomain?: string;
  readonly failoverOnly?: boolean;
  /** What its guests see of its processors. */
  readonly cpuModel?: string;
  /** When in each second its agent reports. */
  readonly phaseMs?: number;
  /** The names of its fence devices in their order; without this, one. */
  readonly fenceDevices?: readonly string[];
}

export interface GuestPlan {
  readonly name: string;
  readonly memoryMiB: number;
  /** Without one, `main`. */
  readonly pool?: string;
  /** Where it runs at the beginning; without a host it is off. */
  readonly on?: string;
  /** Where its disk is; without one, on the shared datastore. */
  readonly datastore?: string;
  readonly vcpus?: number;
  readonly diskMiB?: number;
  readonly cpuReservationMillicores?: number;
  readonly cpuLimitMillicores?: number;
  readonly cpuShares?: number;
  readonly restartPriority?: RestartPriority;
  readonly probe?: GuestProbe;
}

/** A datastore that one host alone reaches. Besides it there is always a shared one. */
export interface DatastorePlan {
  readonly name: string;
  readonly on: string;
}

export interface RulePlan {
  readonly name: string;
  readonly kind: RuleKind;
  readonly guests: readonly string[];
  readonly hosts: readonly string[];
}

/** What a simulation begins with; ids are the names. */
export interface FleetPlan {
  readonly hosts: readonly HostPlan[];
  readonly guests: readonly GuestPlan[];
  readonly datastores?: readonly DatastorePlan[];
  readonly rules?: readonly RulePlan[];
  readonly settings?: PoolSettings;
}

export function poolOfPlan(settings: PoolSettings = {}, name = 'main'): Pool {
  return {
    id: name,
    name,
    balance: { ...defaultBalance, ...settings.balance },
    migration: { ...defaultMigration, ...settings.migration },
    failure: { ...defaultFailure, ...settings.failure },
    power: { ...defaultPower, ...settings.power },
    network: planNetwork,
    isolationResponse: settings.isolationResponse ?? 'keep-running',
    createdAt: 0,
  };
}

export function inventoryOf(plan: FleetPlan): Inventory {
  return {
    pools: poolNamesOf(plan).map((name) => poolOfPlan(plan.settings, name)),
    hosts: plan.hosts.map(hostOfPlan),
    fenceSecrets: [],
    guests: plan.guests.map((guest, index) => guestOfPlan(guest, addressOfPlan(index))),
    images: [
      {
        id: 'tiny',
        name: 'tiny',
        format: 'kernel',
        architecture: 'x86_64',
        firmware: 'none',
        kernelPath: 'tiny.elf',
        initrdPath: null,
        kernelArguments: null,
        diskPath: null,
        datastoreId: 'shared',
        minimumMemoryMiB: 1,
        createdAt: 0,
      },
    ],
    datastores: [datastoreOf('shared', null), ...(plan.datastores ?? []).map(({ name, on }) => datastoreOf(name, on))],
    diskOperations: [],
    snapshots: [],
    rules: (plan.rules ?? []).map((rule) => ruleOfPlan(rule, plan)),
    migrations: [],
    recommendations: [],
    drills: [],
    rolls: [],
    tasks: [],
    alarms: [],
  };
}

function datastoreOf(name: string, hostId: string | null): Datastore {
  const path = hostId === null ? '/datastore' : `/${name}`;
  return { id: name, name, path, shared: hostId === null, hostId, alarmUsedShare: 0.85, use: null, createdAt: 0 };
}

function hostOfPlan(plan: HostPlan): Host {
  return {
    id: plan.name,
    name: plan.name,
    poolId: plan.pool ?? 'main',
    state: plan.off ? 'offline' : 'online',
    stateReason: '',
    maintenance: 'none',
    standby: 'none',
    incarnation: 1,
    peerAddress: `${plan.name}:7000`,
    queue: `agent-${plan.name}`,
    capacity: { cpuMillicores: plan.cpuMillicores ?? 2000, memoryMiB: plan.memoryMiB },
    capabilities: plan.cpuModel === undefined ? null : { ...modelCapabilities, cpuModel: plan.cpuModel },
    failureDomain: plan.failureDomain ?? null,
    failoverOnly: plan.failoverOnly ?? false,
    degraded: null,
    quarantined: false,
    failures: [],
    fenceDevices: (plan.fenceDevices ?? ['chassis']).map((name) => fenceDeviceOfPlan(name, plan.name)),
    createdAt: 0,
  };
}

function fenceDeviceOfPlan(name: string, hostName: string): FenceDevice {
  return {
    name,
    kind: 'chassis',
    address: `model:${hostName}`,
    options: {},
    secretNames: [],
    deadlineMs: fenceRetryMs,
    setBy: 'administrator',
  };
}

const planNetwork = { subnet: '10.0.0.0/8', gateway: null };

/** Guests' addresses follow the router's. */
function addressOfPlan(index: number): string {
  return formatAddress(parseAddress('10.0.0.2')! + index);
}

function guestOfPlan(plan: GuestPlan, address: string): Guest {
  const placed = plan.on !== undefined;
  return {
    id: plan.name,
    name: plan.name,
    poolId: plan.pool ?? 'main',
    imageId: 'tiny',
    datastoreId: plan.datastore ?? 'shared',
    vcpus: plan.vcpus ?? 1,
    memoryMiB: plan.memoryMiB,
    diskMiB: plan.diskMiB ?? 8,
    cpuReservationMillicores: plan.cpuReservationMillicores ?? 0,
    cpuLimitMillicores: plan.cpuLimitMillicores ?? null,
    cpuShares: plan.cpuShares ?? usualLimits.cpuShares,
    restartPriority: plan.restartPriority ?? 'medium',
    display: 'none',
    cloudInit: null,
    address,
    macAddress: macAddressOf(address),
    desired: placed ? 'running' : 'stopped',
    state: placed ? 'running' : 'stopped',
    stateReason: '',
    memoryPath: null,
    memoryMachine: null,
    epoch: placed ? 1 : 0,
    reservedEpoch: placed ? 1 : 0,
    hostId: plan.on ?? null,
    createdAt: 0,
    movedAt: null,
    failedStarts: 0,
    retryAt: null,
    restarts: [],
    lostAt: null,
    probe: plan.probe ?? null,
    isTemplate: false,
    clonedFrom: null,
    diskMade: false,
    basePaths: [],
  };
}

function poolNamesOf({ hosts, guests }: FleetPlan): string[] {
  return [...new Set(['main', ...[...hosts, ...guests].map(({ pool = 'main' }) => pool)])];
}

function ruleOfPlan(plan: RulePlan, { guests }: FleetPlan): Rule {
  return {
    id: plan.name,
    name: plan.name,
    poolId: guests.find(({ name }) => plan.guests.includes(name))?.pool ?? 'main',
    kind: plan.kind,
    guestIds: plan.guests,
    hostIds: plan.hosts,
    createdAt: 0,
  };
}
