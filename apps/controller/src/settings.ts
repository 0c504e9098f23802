import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { readEnvironment } from '@argosy/contracts/environment';
import { redisAddressShapes, redisConnection } from '@argosy/queue/redis-address';
import { z } from 'zod';

const anyDays = 'must be a whole number of days from 1 to 3650';
const days = z.coerce.number({ error: anyDays }).int(anyDays).min(1, anyDays).max(3650, anyDays);

const environment = z.object({
  DATABASE_URL: z
    .string({
      error: 'must be the address of the PostgreSQL database, like postgresql://argosy:…@127.0.0.1:5432/argosy',
    })
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://'),
  REDIS_URL: z
    .string({ error: redisAddressShapes })
    .refine((address) => redisConnection(address) !== null, redisAddressShapes),
  ARGOSY_PORT: z.coerce
    .number({ error: 'must be a port, 0 to 65535' })
    .int('must be a port, 0 to 65535')
    .min(0, 'must be a port, 0 to 65535')
    .max(65_535, 'must be a port, 0 to 65535')
    .default(8080),
  ARGOSY_LISTEN_ADDRESS: z
    .string()
    .default('127.0.0.1')
    .transform((text) => text.split(',').map((address) => address.trim()))
    .refine((addresses) => addresses.every(Boolean), 'must be addresses of this machine, with commas between'),
  /** Paths of PEM files. */
  ARGOSY_TLS_CERTIFICATE: z.string().optional(),
  ARGOSY_TLS_KEY: z.string().optional(),
  ARGOSY_PUBLIC_URL: z
    .url({ error: 'must be the address under which agents and clients reach this controller' })
    .optional(),
  ARGOSY_STATE_FOLDER: z.string({ error: 'must be the folder of this controller' }),
  ARGOSY_LAB_FOLDER: z.string().optional(),
  ARGOSY_FENCE_AGENT_FOLDERS: z
    .string()
    .regex(/^\/[^:]*(:\/[^:]*)*$/, 'must be folders with colons between, like /usr/sbin:/usr/local/sbin')
    .default('/usr/sbin:/usr/local/sbin'),
  ARGOSY_LEASE_MS: z.coerce
    .number({ error: 'must be a whole number from 2000 to 60000' })
    .int()
    .min(2_000)
    .max(60_000)
    .default(5_000),
  ARGOSY_AUDIT_RETENTION_DAYS: days.default(90),
  ARGOSY_RECORD_RETENTION_DAYS: days.default(90),
});

/** All that a controller is told from outside, read once. */
export interface ControllerSettings {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly port: number;
  /** Loopback, unless an administrator says otherwise. The first is in this controller's own address. */
  readonly listenAddresses: readonly string[];
  /** HTTPS with these, or null: HTTP. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  readonly publicUrl: string | null;
  readonly stateFolder: string;
  /** Where a lab's hosts have their power switches, or null: there is no lab. */
  readonly labFolder: string | null;
  /** Where the programs of fence agents are. */
  readonly fenceAgentFolders: readonly string[];
  readonly leaseMs: number;
  /** How long the audit trail is kept. */
  readonly auditRetentionDays: number;
  /** How long events and what has ended (tasks, migrations, recommendations, alarms) are kept. */
  readonly recordRetentionDays: number;
  /** Names this process as the holder of the lease. */
  readonly holder: string;
}

/** Throws with a sentence for each value that is missing or wrong. */
export function readSettings(variables: NodeJS.ProcessEnv): ControllerSettings {
  const values = readEnvironment(environment, variables);
  return Object.freeze({
    databaseUrl: values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    port: values.ARGOSY_PORT,
    listenAddresses: values.ARGOSY_LISTEN_ADDRESS,
    tls: tlsOf(values.ARGOSY_TLS_CERTIFICATE, values.ARGOSY_TLS_KEY),
    publicUrl: values.ARGOSY_PUBLIC_URL ?? null,
    stateFolder: values.ARGOSY_STATE_FOLDER,
    labFolder: values.ARGOSY_LAB_FOLDER ?? null,
    fenceAgentFolders: values.ARGOSY_FENCE_AGENT_FOLDERS.split(':'),
    leaseMs: values.ARGOSY_LEASE_MS,
    auditRetentionDays: values.ARGOSY_AUDIT_RETENTION_DAYS,
    recordRetentionDays: values.ARGOSY_RECORD_RETENTION_DAYS,
    holder: `${hostname()}-${process.pid}-${Date.now().toString(36)}`,
  });
}

function tlsOf(certificateFile: string | undefined, keyFile: string | undefined): ControllerSettings['tls'] {
  if (certificateFile === undefined && keyFile === undefined) return null;
  if (certificateFile === undefined || keyFile === undefined)
    throw new Error('ARGOSY_TLS_CERTIFICATE and ARGOSY_TLS_KEY must be given together: the paths of two PEM files');
  return { cert: readPem('ARGOSY_TLS_CERTIFICATE', certificateFile), key: readPem('ARGOSY_TLS_KEY', keyFile) };
}

function readPem(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`${name} must be the path of a PEM file: ${(error as Error).message}`);
  }
}
