import { readEnvironment } from '@argosy/contracts/environment';
import { redisAddressShapes, redisConnection } from '@argosy/queue/redis-address';
import { z } from 'zod';

const wholeNumber = (minimum: number, maximum: number) =>
  z.coerce
    .number({ error: `must be a whole number from ${minimum} to ${maximum}` })
    .int(`must be a whole number from ${minimum} to ${maximum}`)
    .min(minimum, `must be a whole number from ${minimum} to ${maximum}`)
    .max(maximum, `must be a whole number from ${minimum} to ${maximum}`);

const environment = z.object({
  ARGOSY_SIMULATED_HOSTS: wholeNumber(1, 5_000),
  ARGOSY_HOST_PREFIX: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'must be made of a-z, 0-9 and "-", like sim-').default('sim-'),
  ARGOSY_SEED: wholeNumber(0, 2 ** 31).default(1),
  ARGOSY_POOL: z.string({ error: 'must be the pool of the simulated hosts, in which there are no others' }),
  ARGOSY_CONTROLLER_URL: z
    .string({ error: 'must be the address of the controller, like http://127.0.0.1:8080' })
    .transform((text) => text.split(',').map((url) => url.trim()))
    .refine(
      (urls) => urls.every((url) => z.url().safeParse(url).success),
      'must be the address of the controller, like http://127.0.0.1:8080; of several controllers, with commas between',
    ),
  ARGOSY_JOIN_TOKEN: z.string().optional(),
  ARGOSY_STATE_FOLDER: z.string({ error: 'must be the folder of this process' }),
  ARGOSY_CPU_MILLICORES: wholeNumber(1_000, 1_024_000).default(8_000),
  ARGOSY_MEMORY_MIB: wholeNumber(256, 16_777_216).default(98_304),
  ARGOSY_LISTEN_ADDRESS: z.string().default('127.0.0.1'),
  REDIS_URL: z
    .string()
    .refine((address) => redisConnection(address) !== null, redisAddressShapes)
    .optional(),
}); // prettier-ignore

/** All that a process of simulated hosts is told from outside, read once. */
export interface SimulatedSettings {
  readonly hostNames: readonly string[];
  readonly seed: number;
  readonly poolName: string;
  readonly controllerUrls: readonly string[];
  readonly joinToken: string | null;
  readonly stateFolder: string;
  /** Of each host. */
  readonly cpuMillicores: number;
  readonly memoryMiB: number;
  readonly listenAddress: string;
  /** Instead of the one that the controller names. */
  readonly redisUrl: string | null;
}

/** Throws with a sentence for each value that is missing or wrong. */
export function readSimulatedSettings(variables: NodeJS.ProcessEnv): SimulatedSettings {
  const values = readEnvironment(environment, variables);
  return Object.freeze({
    hostNames: simulatedHostNames(values.ARGOSY_HOST_PREFIX, values.ARGOSY_SIMULATED_HOSTS),
    seed: values.ARGOSY_SEED,
    poolName: values.ARGOSY_POOL,
    controllerUrls: values.ARGOSY_CONTROLLER_URL,
    joinToken: values.ARGOSY_JOIN_TOKEN ?? null,
    stateFolder: values.ARGOSY_STATE_FOLDER,
    cpuMillicores: values.ARGOSY_CPU_MILLICORES,
    memoryMiB: values.ARGOSY_MEMORY_MIB,
    listenAddress: values.ARGOSY_LISTEN_ADDRESS,
    redisUrl: values.REDIS_URL ?? null,
  });
}

/** As many digits for each, so that they sort as they count: sim-0001. */
function simulatedHostNames(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index + 1).padStart(4, '0')}`);
}
