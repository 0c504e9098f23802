import type { Display, GuestProbe, RuleKind } from './entities';
import type {
  BalancePolicy,
  FailurePolicy,
  IsolationResponse,
  MigrationPolicy,
  PowerPolicy,
  RestartPriority,
} from './policies';
import type { Firmware, ImageFormat } from './storage';
import type { DrillKind, DrillPhaseName, LinkImpairment } from './drill';
import type { FenceDeviceKind } from './fence-device';
import type { HostRegistration } from './host-report';
import type { PoolNetwork } from './network';
import type { Instant } from './units';

export interface PoolSettings {
  readonly balance?: Partial<BalancePolicy>;
  readonly migration?: Partial<MigrationPolicy>;
  readonly failure?: Partial<FailurePolicy>;
  readonly power?: Partial<PowerPolicy>;
  readonly network?: Partial<PoolNetwork>;
  readonly isolationResponse?: IsolationResponse;
}

/** What may be set of a guest when it is made, and later. */
interface GuestShape {
  readonly vcpus?: number;
  readonly memoryMiB?: number;
  readonly cpuReservationMillicores?: number;
  readonly cpuLimitMillicores?: number | null;
  readonly cpuShares?: number;
  readonly restartPriority?: RestartPriority;
  readonly display?: Display;
  readonly probe?: GuestProbe | null;
}

/** What it is made with besides. */
interface GuestBeginning extends GuestShape {
  readonly name: string;
  /** Where its disk is made; without one, where what it is made from is. */
  readonly datastore?: string;
  readonly cloudInit?: string | null;
  readonly start?: boolean;
}

export interface NewGuest extends GuestBeginning {
  readonly pool: string;
  /** What it boots, or the template that it is made from: one of the two. */
  readonly image?: string;
  readonly template?: string;
  /** Of a template: with a disk of its own, instead of one that shares the template's. */
  readonly full?: boolean;
  readonly diskMiB?: number;
}

/** Made from another guest's disk; what is not said is as that guest has it. */
export interface NewClone extends GuestBeginning {
  /** Its pool; without one, the source's. */
  readonly pool?: string;
  /** Both go on in overlays of what the source has now. Without it: a copy, but of a template. */
  readonly linked?: boolean;
  /** As the source was then, instead of now. */
  readonly snapshot?: string;
}

export interface GuestSettings extends GuestShape {
  readonly name?: string;
}

export interface HostSettings {
  readonly failureDomain?: string | null;
  readonly failoverOnly?: boolean;
  /** Why; null: it is well again. */
  readonly degraded?: string | null;
  /** Only ever lifted by hand. */
  readonly quarantined?: false;
}

/** Of the same name as one that is there: it takes that one's place. */
export interface NewFenceDevice {
  readonly name: string;
  readonly kind: FenceDeviceKind;
  readonly address: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  /** 1: tried first. Without it, last. */
  readonly position?: number;
}

export interface NewImage {
  readonly name: string;
  readonly format: ImageFormat;
  readonly architecture?: string;
  readonly firmware?: Firmware;
  readonly kernelPath?: string | null;
  readonly initrdPath?: string | null;
  readonly kernelArguments?: string | null;
  readonly diskPath?: string | null;
  readonly datastore?: string;
  readonly minimumMemoryMiB?: number;
}

export interface NewDatastore {
  readonly name: string;
  readonly path: string;
  readonly shared: boolean;
  /** Of one that is not shared: the host that reaches it. */
  readonly host?: string;
  readonly alarmUsedShare?: number;
}

export interface DatastoreSettings {
  readonly name?: string;
  readonly alarmUsedShare?: number;
}

export interface NewRule {
  readonly name: string;
  readonly pool: string;
  readonly kind: RuleKind;
  readonly guests: readonly string[];
  readonly hosts?: readonly string[];
}

/** A guest goes on from the disk that it left, whatever became of the one that it was given; and what that costs. */
export interface DiskRecovery {
  readonly guestId: string;
  readonly datastoreId: string;
  readonly abandonedDatastoreId: string;
  /** From when on it may have written there, and until when. null: not known. */
  readonly since: Instant | null;
  readonly until: Instant;
  readonly loses: string;
}

/**
 * All that can be asked of the fleet, by an administrator or an agent. Pools, hosts, guests, images and datastores are
 * named by id or by name. A `guest.migrate` with no host lets Argosy choose.
 */
export type FleetRequest =
  | { readonly kind: 'pool.create'; readonly name: string; readonly settings?: PoolSettings }
  | { readonly kind: 'pool.update'; readonly pool: string; readonly name?: string; readonly settings?: PoolSettings }
  | { readonly kind: 'pool.remove'; readonly pool: string }
  | { readonly kind: 'pool.tolerance'; readonly pool: string }
  | { readonly kind: 'host.register'; readonly registration: HostRegistration }
  | { readonly kind: 'host.evacuation'; readonly host: string }
  | { readonly kind: 'host.maintenance'; readonly host: string; readonly enter: boolean }
  | { readonly kind: 'host.standby'; readonly host: string; readonly enter: boolean }
  | { readonly kind: 'host.fence'; readonly host: string }
  | {
      readonly kind: 'pool.roll';
      readonly pool: string;
      readonly command: string;
      /** true: the plan is answered, and nothing is begun. */
      readonly planOnly?: boolean;
    }
  | { readonly kind: 'pool.roll-stop'; readonly pool: string }
  | { readonly kind: 'host.update'; readonly host: string; readonly settings: HostSettings }
  | { readonly kind: 'alarm.acknowledge'; readonly alarm: string }
  | { readonly kind: 'host.add-fence-device'; readonly host: string; readonly device: NewFenceDevice }
  | { readonly kind: 'host.remove-fence-device'; readonly host: string; readonly device: string }
  | { readonly kind: 'host.remove'; readonly host: string }
  | { readonly kind: 'guest.create'; readonly guest: NewGuest }
  | { readonly kind: 'guest.clone'; readonly guest: string; readonly clone: NewClone }
  | { readonly kind: 'guest.template'; readonly guest: string; readonly isTemplate: boolean }
  | { readonly kind: 'guest.update'; readonly guest: string; readonly settings: GuestSettings }
  | {
      readonly kind: 'guest.power';
      readonly guest: string;
      readonly desired: 'running' | 'stopped' | 'paused' | 'suspended';
      readonly force?: boolean;
    }
  | { readonly kind: 'guest.restart'; readonly guest: string }
  | {
      readonly kind: 'guest.migrate';
      readonly guest: string;
      readonly host?: string;
      /** Its disk moves there; without a host, the disk alone. */
      readonly datastore?: string;
      readonly reason?: string;
    }
  /** From the disk that it left, where only a lost place could tell that it had moved. `planOnly`: says what would be lost, and does nothing. */
  | { readonly kind: 'guest.recover'; readonly guest: string; readonly from: 'source'; readonly planOnly?: boolean }
  | { readonly kind: 'guest.remove'; readonly guest: string; readonly keepDisk?: boolean }
  | { readonly kind: 'snapshot.take'; readonly guest: string; readonly name: string; readonly memory?: boolean }
  | { readonly kind: 'snapshot.revert'; readonly guest: string; readonly snapshot: string }
  | { readonly kind: 'snapshot.remove'; readonly guest: string; readonly snapshot: string }
  | { readonly kind: 'migration.cancel'; readonly migration: string }
  | { readonly kind: 'image.create'; readonly image: NewImage }
  | { readonly kind: 'image.remove'; readonly image: string }
  | { readonly kind: 'datastore.create'; readonly datastore: NewDatastore }
  | { readonly kind: 'datastore.update'; readonly datastore: string; readonly settings: DatastoreSettings }
  | { readonly kind: 'datastore.remove'; readonly datastore: string }
  | { readonly kind: 'rule.create'; readonly rule: NewRule }
  | { readonly kind: 'rule.remove'; readonly rule: string }
  | { readonly kind: 'balance.run'; readonly pool: string }
  | {
      readonly kind: 'recommendation.apply';
      readonly recommendations: readonly string[] | 'all';
      readonly pool?: string;
    }
  | {
      readonly kind: 'drill.run';
      readonly drill: DrillKind;
      readonly host?: string;
      readonly guest?: string;
      readonly impairment?: Partial<LinkImpairment>;
      readonly objectives?: { readonly [phase in DrillPhaseName]?: number };
    };
export type FleetRequestKind = FleetRequest['kind'];
