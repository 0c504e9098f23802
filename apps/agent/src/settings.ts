import { readEnvironment } from '@argosy/contracts/environment';
import { redisAddressShapes, redisConnection } from '@argosy/queue/redis-address';
import type { GuestLink } from '@argosy/vmm/guest-link';
import { z } from 'zod';

const vmmNames = ['qemu', 'embedded'] as const;

const wholeNumber = (minimum: number, maximum: number) =>
  z.coerce
    .number({ error: `must be a whole number from ${minimum} to ${maximum}` })
    .int()
    .min(minimum)
    .max(maximum);

const controllerRule =
  'must be the address of the controller, like http://127.0.0.1:8080; of several controllers, with commas between';

function isAnyAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

const environment = z.object({
  ARGOSY_HOST: z
    .string({ error: 'must be the name of this host, like h1' })
    .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'must be made of a-z, 0-9, "." and "-", like h1'),
  ARGOSY_POOL: z.string().optional(),
  ARGOSY_CONTROLLER_URL: z
    .string({ error: controllerRule })
    .transform((text) => text.split(',').map((url) => url.trim()))
    .refine((urls) => urls.every((url) => z.url().safeParse(url).success), controllerRule),
  ARGOSY_JOIN_TOKEN: z.string().optional(),
  ARGOSY_VMM: z
    .enum(vmmNames, { error: `must be what runs the guests of this host: ${vmmNames.join(' or ')}` })
    .default('qemu'),
  ARGOSY_STATE_FOLDER: z.string({ error: 'must be the folder of this agent' }),
  /** Where the host's heartbeat and its watchdog's lease are, and where it says that it is isolated. */
  ARGOSY_DATASTORE_FOLDER: z.string().optional(),
  ARGOSY_CPU_MILLICORES: wholeNumber(10, 1_024_000).optional(),
  ARGOSY_MEMORY_MIB: wholeNumber(16, 16_777_216).optional(),
  ARGOSY_CGROUP: z.string().optional(),
  ARGOSY_FENCE_DEVICE: z.string().optional(),
  ARGOSY_HEALTH_CHECK: z.string().regex(/^\//, 'must be the absolute path of a program').optional(),
  ARGOSY_HEALTH_CHECK_MS: wholeNumber(1_000, 3_600_000).default(30_000),
  ARGOSY_ROLL_PROGRAMS: z.string().regex(/^\//, 'must be the absolute path of a folder').optional(),
  ARGOSY_LISTEN_ADDRESS: z.string().default('127.0.0.1'),
  ARGOSY_ADVERTISE_ADDRESS: z
    .string()
    .refine(
      (address) => !isAnyAddress(address),
      'must be an address of this host, which others can reach, like 10.0.0.11',
    )
    .optional(),
  ARGOSY_GUEST_NETWORK: z
    .string()
    .regex(
      /^(bridge:[\w.-]{1,15}|switch:\/.+)$/,
      'must be what guests are plugged into: bridge:<name of a bridge of this host>, or switch:<path of a socket>',
    )
    .optional(),
  REDIS_URL: z
    .string()
    .refine((address) => redisConnection(address) !== null, redisAddressShapes)
    .optional(),
});

/** All that an agent is told from outside, read once. */
export interface AgentSettings {
  readonly hostName: string;
  /** null: the controller knows, by the host or by its join token. */
  readonly poolName: string | null;
  /** Tried in turn: any of them names the leader. */
  readonly controllerUrls: readonly string[];
  readonly joinToken: string | null;
  readonly vmm: (typeof vmmNames)[number];
  readonly stateFolder: string;
  readonly datastoreFolder: string | null;
  readonly cpuMillicores: number | null;
  readonly memoryMiB: number | null;
  readonly cgroup: string | null;
  readonly fenceDevice: string | null;
  /** A program that ends with 0 while the host is well. */
  readonly healthCheck: string | null;
  readonly healthCheckMs: number;
  /** The folder of what rolls may run here. */
  readonly rollPrograms: string | null;
  readonly listenAddress: string;
  /** Under which other hosts and controllers reach this one. */
  readonly advertiseAddress: string;
  readonly guestLink: GuestLink;
  /** Instead of the one that the controller names. */
  readonly redisUrl: string | null;
}

/** Throws with a sentence for each value that is missing or wrong. */
export function readSettings(variables: NodeJS.ProcessEnv): AgentSettings {
  const values = readEnvironment(environment, variables);
  const listenAddress = values.ARGOSY_LISTEN_ADDRESS;
  if (isAnyAddress(listenAddress) && values.ARGOSY_ADVERTISE_ADDRESS === undefined)
    throw new Error(
      `ARGOSY_ADVERTISE_ADDRESS must be given with ARGOSY_LISTEN_ADDRESS ${listenAddress}: others cannot reach this host under that`,
    );
  return Object.freeze({
    hostName: values.ARGOSY_HOST,
    poolName: values.ARGOSY_POOL ?? null,
    controllerUrls: values.ARGOSY_CONTROLLER_URL,
    joinToken: values.ARGOSY_JOIN_TOKEN ?? null,
    vmm: values.ARGOSY_VMM,
    stateFolder: values.ARGOSY_STATE_FOLDER,
    datastoreFolder: values.ARGOSY_DATASTORE_FOLDER ?? null,
    cpuMillicores: values.ARGOSY_CPU_MILLICORES ?? null,
    memoryMiB: values.ARGOSY_MEMORY_MIB ?? null,
    cgroup: values.ARGOSY_CGROUP ?? null,
    fenceDevice: values.ARGOSY_FENCE_DEVICE ?? null,
    healthCheck: values.ARGOSY_HEALTH_CHECK ?? null,
    healthCheckMs: values.ARGOSY_HEALTH_CHECK_MS,
    rollPrograms: values.ARGOSY_ROLL_PROGRAMS ?? null,
    listenAddress,
    advertiseAddress: values.ARGOSY_ADVERTISE_ADDRESS ?? listenAddress,
    guestLink: guestLinkOf(values.ARGOSY_GUEST_NETWORK),
    redisUrl: values.REDIS_URL ?? null,
  });
}

function guestLinkOf(text: string | undefined): GuestLink {
  const [, kind, place = ''] = /^(bridge|switch):(.+)$/.exec(text ?? '') ?? [];
  if (kind === 'bridge') return { kind, bridge: place };
  return kind === 'switch' ? { kind, path: place } : { kind: 'none' };
}
