import { isGuestRule, ruleKinds } from '@argosy/domain/entities';
import { restartPriorities } from '@argosy/domain/policies';
import type { RuleKind } from '@argosy/domain/entities';
import type { IsolationResponse, RestartPriority } from '@argosy/domain/policies';
import type { PoolSettings } from '@argosy/domain/fleet-request';
import { accepted, refused } from '@argosy/domain/refusal';
import type { Result } from '@argosy/domain/refusal';
import type { DatastorePlan, GuestPlan, HostPlan, RulePlan } from './inventory-plan';
import { actionForms } from './scenario-actions';
import type { Action } from './scenario-actions';
import { settingOf } from './scenario-settings';
import { Unreadable, Words } from './scenario-words';
import type { Names } from './scenario-words';

/** What a guest does once it has booted, at each boot: an application comes back with its machine. */
export interface Workload {
  readonly loadPermille: number;
  readonly dirtyMBps: number;
  readonly areaMiB: number;
  /** What it writes to its disk, so that nobody else's can be taken for it; null: nothing. */
  readonly dataSeed: number | null;
}

export interface ScenarioStep {
  readonly atMs: number;
  readonly action: Action;
  /** As it was written, for the log. */
  readonly text: string;
}

export interface Scenario {
  /** The comment at the top: what the scenario claims. */
  readonly claim: string;
  readonly hosts: readonly HostPlan[];
  readonly guests: readonly (GuestPlan & { readonly workload: Workload })[];
  readonly datastores: readonly DatastorePlan[];
  readonly rules: readonly RulePlan[];
  readonly settings: PoolSettings;
  readonly steps: readonly ScenarioStep[];
  readonly untilMs: number;
}

interface Draft {
  claim: string[];
  hosts: HostPlan[];
  guests: (GuestPlan & { workload: Workload })[];
  datastores: DatastorePlan[];
  rules: RulePlan[];
  settings: Record<string, Record<string, unknown>>;
  isolationResponse: IsolationResponse;
  steps: ScenarioStep[];
  untilMs: number | null;
  /** Guests that steps make. */
  made: string[];
}

function namesOf(draft: Draft): Names {
  return {
    hosts: draft.hosts.map((host) => host.name),
    guests: [...draft.guests.map((guest) => guest.name), ...draft.made],
    make: (guest) => draft.made.push(guest),
  };
}

function newName(words: Words, kind: string, taken: readonly string[]): string {
  const name = words.word(`the ${kind}'s name`);
  if (taken.includes(name)) throw new Unreadable(`expected a new name, "${name}" is taken`);
  return name;
}

function readHost(words: Words, draft: Draft): void {
  const host: { -readonly [key in keyof HostPlan]: HostPlan[key] } = {
    name: newName(words, 'host', namesOf(draft).hosts),
    memoryMiB: words.number('its memory in MiB'),
  };
  while (!words.done()) {
    const property = words.oneOf([
      'cpu',
      'off',
      'no-fence',
      'fence',
      'domain',
      'failover-only',
      'cpu-model',
      'phase',
      'pool',
    ]);
    if (property === 'cpu') host.cpuMillicores = words.number('millicores');
    else if (property === 'pool') host.pool = words.word('a pool');
    else if (property === 'phase') host.phaseMs = words.number('ms');
    else if (property === 'off') host.off = true;
    else if (property === 'failover-only') host.failoverOnly = true;
    else if (property === 'cpu-model') host.cpuModel = words.word('a model of processor');
    else if (property === 'domain') host.failureDomain = words.word('a failure domain');
    else if (property === 'fence')
      host.fenceDevices = words.word('names of fence devices with commas between').split(',');
    else host.fenceDevices = [];
  }
  draft.hosts.push(host);
}

const hostRules = {
  must: 'must-run-on',
  should: 'should-run-on',
  not: 'must-not-run-on',
  avoid: 'should-not-run-on',
} as const satisfies Record<string, RuleKind>;

function readGuest(words: Words, draft: Draft): void {
  const { hosts, guests } = namesOf(draft);
  const name = newName(words, 'guest', guests);
  const plan: { -readonly [key in keyof GuestPlan]: GuestPlan[key] } = {
    name,
    memoryMiB: words.number('its memory in MiB'),
  };
  const workload = { loadPermille: 0, dirtyMBps: 0, areaMiB: 0, dataSeed: null as number | null };
  while (!words.done()) {
    const property = words.oneOf([
      'on',
      'pool',
      'datastore',
      'priority',
      'probe',
      'load',
      'dirty',
      'data',
      'vcpus',
      'reserve',
      'limit',
      'shares',
      'must',
      'should',
      'not',
      'avoid',
    ]);
    if (property === 'on') plan.on = words.known('host', hosts);
    else if (property === 'pool') plan.pool = words.word('a pool');
    else if (property === 'datastore')
      plan.datastore = words.known(
        'datastore',
        draft.datastores.map((each) => each.name),
      );
    else if (property === 'priority') plan.restartPriority = words.oneOf<RestartPriority>(restartPriorities);
    else if (property === 'probe') plan.probe = { kind: 'tcp', port: words.number('a port'), path: '/', status: 200 };
    else if (property === 'load') workload.loadPermille = words.number('permille of a processor');
    else if (property === 'vcpus') plan.vcpus = words.number('a count');
    else if (property === 'reserve') plan.cpuReservationMillicores = words.number('millicores');
    else if (property === 'limit') plan.cpuLimitMillicores = words.number('millicores');
    else if (property === 'shares') plan.cpuShares = words.number('shares');
    else if (property === 'data') workload.dataSeed = words.number('a seed');
    else if (property === 'dirty')
      Object.assign(workload, { dirtyMBps: words.number('MB/s'), areaMiB: words.number('the area in MiB') });
    else
      draft.rules.push({
        name: `${name}-${property}`,
        kind: hostRules[property],
        guests: [name],
        hosts: words.several('host', hosts),
      });
  }
  draft.guests.push({ ...plan, workload });
}

function readDatastore(words: Words, draft: Draft): void {
  const taken = draft.datastores.map(({ name }) => name);
  const name = newName(words, 'datastore', ['shared', ...taken]);
  draft.datastores.push({ name, on: words.known('host', namesOf(draft).hosts) });
  words.end();
}

function readRule(words: Words, draft: Draft): void {
  const { hosts, guests } = namesOf(draft);
  const kind = words.oneOf<RuleKind>(ruleKinds);
  const ruled = words.several('guest', guests);
  const amongGuests = isGuestRule(kind);
  draft.rules.push({
    name: `${kind}-${ruled.join('-')}`,
    kind,
    guests: ruled,
    hosts: amongGuests ? [] : words.several('host', hosts),
  });
  words.end();
}

function readSetting(words: Words, draft: Draft): void {
  const { isolationResponse, ...groups } = settingOf(words);
  draft.isolationResponse = isolationResponse ?? draft.isolationResponse;
  for (const [group, fields] of Object.entries(groups))
    draft.settings[group] = { ...draft.settings[group], ...(fields as Record<string, unknown>) };
  words.end();
}

function readStep(words: Words, draft: Draft, line: string): void {
  const atMs = words.number('seconds') * 1000;
  const last = draft.steps.at(-1)?.atMs ?? 0;
  if (atMs < last)
    throw new Unreadable(
      `expected a time from ${last / 1000} on, since steps stand in their order, found ${atMs / 1000}`,
    );
  const kind = words.oneOf(Object.keys(actionForms) as (keyof typeof actionForms)[]);
  const action = actionForms[kind](words, namesOf(draft));
  words.end();
  draft.steps.push({ atMs, action, text: line.replace(/^at +\S+ +/, '') });
}

const statements: Readonly<Record<string, (words: Words, draft: Draft, line: string) => void>> = {
  host: readHost,
  guest: readGuest,
  datastore: readDatastore,
  rule: readRule,
  set: readSetting,
  at: readStep,
  until: (words, draft) => {
    draft.untilMs = words.number('seconds') * 1000;
    words.end();
  },
};

/** All of it or nothing: the first line that cannot be read refuses the file, with its number and what was expected there. */
export function parseScenario(text: string, file: string): Result<Scenario> {
  const draft: Draft = {
    claim: [],
    hosts: [],
    guests: [],
    datastores: [],
    rules: [],
    settings: {},
    isolationResponse: 'keep-running',
    steps: [],
    untilMs: null,
    made: [],
  };
  const lines = text.split('\n').map((line) => line.trim());
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      if (draft.hosts.length === 0) draft.claim.push(line.slice(1).trim());
      continue;
    }
    try {
      const words = new Words(line.split(/ +/));
      statements[words.oneOf(Object.keys(statements))]!(words, draft, line);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return refused('invalid-request', `${file}:${index + 1}: ${error.message}`);
    }
  }
  if (draft.hosts.length === 0)
    return refused('invalid-request', `${file}:${lines.length}: expected at least one host, found none`);
  if (draft.untilMs === null)
    return refused('invalid-request', `${file}:${lines.length}: expected "until <seconds>", found the end of the file`);
  return accepted({
    ...draft,
    claim: draft.claim.join(' '),
    untilMs: draft.untilMs,
    settings: { ...draft.settings, isolationResponse: draft.isolationResponse },
  });
}
