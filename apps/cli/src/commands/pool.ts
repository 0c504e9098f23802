import {
  admissionPolicies,
  automationLevels,
  isolationResponses,
  powerAutomations,
  restartReadiness,
} from '@argosy/domain/policies';
import type { RouteCall } from '@argosy/contracts/routes';
import { command, given, givenAny, type Flag, type FlagValues } from '../command';
import { usageFailure } from '../failure';
import { poolDetailView, poolView } from '../output/inventory-views';

const policyFlags = {
  automation: {
    type: 'text',
    choices: automationLevels,
    summary: 'who applies recommendations: manual nobody, partial at start only, full Argosy',
  },
  threshold: { type: 'count', summary: '1 (only what rules demand) to 5 (any gain)' },
  'balance-interval': { type: 'duration', summary: 'how often balance is looked at' },
  'cool-down': { type: 'duration', summary: 'how long a moved guest is left alone' },
  'cpu-safety': { type: 'share', summary: "how much of a host's processors may be promised" },
  'memory-ratio': { type: 'ratio', summary: "over-commit: so many times a host's memory may be promised (1: once)" },
  'vcpu-ratio': { type: 'ratio', summary: "over-commit: virtual processors for each of a host's (0: no limit)" },
  'auto-converge': { type: 'truth', summary: 'slow a guest that dirties memory faster than it can be copied' },
  encrypted: { type: 'truth', summary: 'encrypt the memory of guests on its way between hosts' },
  'post-copy': { type: 'truth', summary: 'let a migration that does not converge run on at the target' },
  bandwidth: { type: 'count', placeholder: 'MiB/s', summary: 'the most that a migration may send' },
  'downtime-limit': { type: 'duration', summary: 'the longest pause at a switch-over' },
  'copy-deadline': { type: 'duration', summary: 'a copy that has not converged by then is cancelled' },
  'migrations-per-host': { type: 'count', summary: 'how many at once' },
  'suspect-after': { type: 'duration', summary: 'silence after which a host is suspect' },
  'failed-after': { type: 'duration', summary: 'silence after which a host has failed' },
  'datastore-silent-after': { type: 'duration', summary: 'age at which a datastore heartbeat is silence' },
  'most-silent-hosts': { type: 'count', summary: 'more silent at once: an alarm, and no fencing' },
  'restart-ready': {
    type: 'text',
    choices: restartReadiness,
    summary: 'how far guests must be before those of the next priority are restarted',
  },
  'restart-wait': { type: 'duration', summary: 'how long they hold up the next ones at most' },
  'guest-monitoring': {
    type: 'duration',
    summary: 'a guest whose VMM or heartbeat is silent for so long is reset (0: never)',
  },
  'guest-restarts': { type: 'count', summary: 'more restarts of a guest within the window: it is given up' },
  'pool-restarts': { type: 'count', summary: 'more restarts in the pool within the window: the others wait' },
  'host-failures': { type: 'count', summary: 'so many failures of a host within the window: quarantine; 0 never' },
  'budget-window': { type: 'duration', summary: 'the window of these three' },
  admission: {
    type: 'text',
    choices: admissionPolicies,
    summary: 'how room is kept for failures: --tolerate hosts, shares, failover hosts, or none',
  },
  'reserve-cpu': { type: 'share', summary: "how much of the hosts' processors reservations leave free" },
  'reserve-memory': { type: 'share', summary: "how much of the hosts' memory guests leave free" },
  tolerate: { type: 'count', placeholder: 'hosts', summary: 'how many host losses to keep room for' },
  power: {
    type: 'text',
    choices: powerAutomations,
    summary:
      'who switches hosts off that are not needed, and on again: off nobody, manual recommends, automatic Argosy',
  },
  'power-off-share': { type: 'share', summary: 'a host is switched off when the others stay below this' },
  'power-on-share': { type: 'share', summary: 'one is switched on when more than this is asked for' },
  'power-low-for': { type: 'duration', summary: 'for so long load must have been low' },
  subnet: {
    type: 'text',
    placeholder: 'network',
    summary: "the guests' IPv4 network, like 10.20.0.0/16 (a new pool: a free one)",
  },
  gateway: { type: 'text', placeholder: 'address', summary: 'the router that guests are told of, or none' },
  'isolated-after': {
    type: 'duration',
    summary: 'neither Redis nor a controller reached for so long: a host is isolated',
  },
  'watchdog-lease': { type: 'duration', summary: 'a host that has not renewed it for so long has ended its guests' },
  'lock-is-proof': {
    type: 'truth',
    summary: "believe a disk's free lock, where storage keeps locks as long as their holders live",
  },
  isolation: { type: 'text', choices: isolationResponses, summary: 'what a cut-off host does with its guests' },
} as const satisfies Record<string, Flag>;

type PolicyFlags = FlagValues<typeof policyFlags>;
type Settings = NonNullable<NonNullable<RouteCall<'pool.create'>['body']>['settings']>;

function settingsOf(flags: PolicyFlags): Settings | undefined {
  return givenAny({
    balance: givenAny({
      automation: flags['automation'],
      threshold: flags['threshold'],
      intervalMs: flags['balance-interval'],
      coolDownMs: flags['cool-down'],
      cpuSafetyShare: flags['cpu-safety'],
      memoryRatio: flags['memory-ratio'],
      vcpuRatio: flags['vcpu-ratio'],
    }),
    migration: givenAny({
      autoConverge: flags['auto-converge'],
      postCopy: flags['post-copy'],
      encrypted: flags.encrypted,
      bandwidthMiBPerSecond: flags['bandwidth'],
      downtimeLimitMs: flags['downtime-limit'],
      copyDeadlineMs: flags['copy-deadline'],
      concurrentPerHost: flags['migrations-per-host'],
    }),
    failure: givenAny({
      suspectAfterMs: flags['suspect-after'],
      failedAfterMs: flags['failed-after'],
      datastoreSilentAfterMs: flags['datastore-silent-after'],
      maximumSilentHosts: flags['most-silent-hosts'],
      isolatedAfterMs: flags['isolated-after'],
      watchdogLeaseMs: flags['watchdog-lease'],
      lockIsProof: flags['lock-is-proof'],
      restartReady: flags['restart-ready'],
      restartWaitMs: flags['restart-wait'],
      guestMonitoringMs: flags['guest-monitoring'],
      guestRestarts: flags['guest-restarts'],
      poolRestarts: flags['pool-restarts'],
      hostFailures: flags['host-failures'],
      budgetWindowMs: flags['budget-window'],
      admission: flags['admission'],
      reservedCpuShare: flags['reserve-cpu'],
      reservedMemoryShare: flags['reserve-memory'],
      toleratedHostFailures: flags['tolerate'],
    }),
    power: givenAny({
      automation: flags['power'],
      offShare: flags['power-off-share'],
      onShare: flags['power-on-share'],
      lowForMs: flags['power-low-for'],
    }),
    network: givenAny({
      subnet: flags['subnet'],
      gateway: flags['gateway'] === 'none' ? null : flags['gateway'],
    }),
    isolationResponse: flags['isolation'],
  });
}

const pool = { name: 'pool', names: 'pool' } as const;

export const poolCommands = [
  command({
    path: 'pool list',
    summary: 'list the pools',
    flags: { watch: { type: 'flag', short: 'w', summary: 'go on, and print what changes' } },
    run: async (session, { flags }) => {
      const read = () => session.api.list('pool.list');
      if (flags.watch) return session.watch(poolView, ['pool'], read);
      await session.printRows(poolView, await read());
      return 'done';
    },
  }),
  command({
    path: 'pool show',
    summary: 'show a pool with all its policies, and which losses of hosts it bears now',
    parameters: [pool],
    run: async (session, { parameters }) => {
      const row = await session.api.call('pool.get', { params: parameters });
      const lossTolerance = await session.api.call('pool.tolerance', { params: parameters });
      await session.printRow(poolDetailView, { ...row, lossTolerance });
      return 'done';
    },
  }),
  command({
    path: 'pool create',
    summary: 'create a pool of hosts under one policy',
    parameters: [{ name: 'name' }],
    flags: policyFlags,
    examples: ['pool create lab --automation full --threshold 3 --tolerate 1'],
    run: async (session, { parameters, flags }) => {
      const body = given({ name: parameters.name, settings: settingsOf(flags) });
      const row = await session.api.call('pool.create', { body });
      session.printDone(
        poolView,
        row,
        `Pool ${row.name} is made. Let hosts join it: argosy join-token create --pool ${row.name}`,
      );
      return 'done';
    },
  }),
  command({
    path: 'pool set',
    summary: "change a pool's name or policies",
    parameters: [pool],
    flags: { name: { type: 'text', summary: 'its new name' }, ...policyFlags },
    examples: ['pool set lab --automation manual'],
    run: async (session, { parameters, flags }) => {
      const body = given({ name: flags.name, settings: settingsOf(flags) });
      if (Object.keys(body).length === 0)
        throw usageFailure('Nothing to change was given.', 'See "argosy pool set --help".');
      const row = await session.api.call('pool.update', { params: parameters, body });
      session.printDone(poolView, row, `Pool ${row.name} is changed.`);
      return 'done';
    },
  }),
  command({
    path: 'pool delete',
    summary: 'remove an empty pool',
    parameters: [pool],
    run: async (session, { parameters }) => {
      await session.confirm(parameters.pool, `remove pool ${parameters.pool}`);
      await session.api.call('pool.remove', { params: parameters });
      session.printGone('pool', parameters.pool, `Pool ${parameters.pool} is removed.`);
      return 'done';
    },
  }),
];
