import { isolationResponses } from '@argosy/domain/policies';
import type { Random } from '../random';

export interface Draft {
  readonly random: Random;
  readonly atMs: number;
  readonly hosts: readonly string[];
  readonly host: string;
  readonly guest: string;
  /** A line for that moment, or some time after it, up to the end of the faults. */
  readonly add: (text: string, afterMs?: number) => void;
  /** Of guests that steps make: removed when all is over. */
  readonly make: (guest: string) => void;
}

export interface Fault {
  readonly weight: number;
  readonly write: (draft: Draft) => void;
}

const after = ({ random }: Draft, mostMs: number): number => 100 + random.below(mostMs);

/** What may happen at any moment, how often, and when it is over. */
export const usualFaults: readonly Fault[] = [
  { weight: 8, write: (draft) => draft.add(`migrate ${draft.guest} ${draft.random.pick(draft.hosts)}`) },
  { weight: 2, write: ({ add, guest }) => add(`cancel ${guest}`) },
  { weight: 3, write: ({ add, guest, random }) => add(`guest ${guest} load ${random.below(600)}`) },
  { weight: 1, write: ({ add, random }) => add(`set isolation ${random.pick(isolationResponses)}`) },
  { weight: 1, write: ({ add, random }) => add(`set failure.isolatedAfterMs ${2_000 + random.below(12_000)}`) },
  { weight: 2, write: ({ add, guest, random }) => add(`guest ${guest} limit ${100 + random.below(900)}`) },
  { weight: 4, write: ({ add, host }) => add(`agent ${host} kill`) },
  {
    weight: 2,
    write: ({ add, guest, random }) => add(`guest ${guest} crash${random.below(3) === 0 ? ' target' : ''}`),
  },
  { weight: 2, write: (draft) => spell(draft, [`power ${draft.host} off`, `power ${draft.host} on`], 30_000) },
  {
    weight: 1,
    write: (draft) => {
      for (const host of draft.hosts)
        if (draft.random.below(3) > 0) spell(draft, [`power ${host} off`, `power ${host} on`], 30_000);
    },
  },
  {
    weight: 2,
    write: ({ add, random }) => {
      add('controller kill');
      add(`controller start${random.below(3) === 0 ? ` ahead ${random.below(7200)}` : ''}`);
    },
  },
  { weight: 2, write: (draft) => spell(draft, ['controller pause', 'controller resume'], 12_000) },
  { weight: 2, write: (draft) => spell(draft, ['redis off', 'redis on'], 15_000) },
  { weight: 1, write: ({ add }) => add('redis empty') },
  { weight: 2, write: (draft) => spell(draft, ['database off', 'database on'], 15_000) },
  { weight: 1, write: ({ add }) => add('database loses-answer') },
  {
    weight: 2,
    write: (draft) => {
      const other = draft.random.pick(draft.hosts.filter((name) => name !== draft.host));
      const link = `link ${draft.host} ${other}`;
      spell(draft, [`${link} cut${draft.random.below(2) === 0 ? ' one-way' : ''}`, `${link} heal`], 10_000);
    },
  },
  {
    weight: 2,
    write: (draft) => {
      const how = draft.random.pick(['', ' datastore', ' deaf', ' mute']);
      spell(draft, [`isolate ${draft.host}${how}`, `rejoin ${draft.host}`], 20_000);
    },
  },
  { weight: 1, write: (draft) => spell(draft, [`watchdog ${draft.host} kill`, `watchdog ${draft.host} start`], 300) },
  { weight: 1, write: ({ add, host }) => add(`drill host-loss ${host}`) },
  { weight: 1, write: ({ add, host }) => add(`drill agent-loss ${host}`) },
  { weight: 1, write: ({ add, guest }) => add(`drill guest-crash ${guest}`) },
  {
    weight: 2,
    write: (draft) => {
      const verb = draft.random.pick(['stop', 'kill']);
      spell(draft, [`guest ${draft.guest} ${verb}`, `guest ${draft.guest} start`], 20_000);
    },
  },
  { weight: 1, write: ({ add, guest }) => add(`guest ${guest} restart`) },
  { weight: 1, write: (draft) => spell(draft, [`guest ${draft.guest} pause`, `guest ${draft.guest} start`], 10_000) },
  { weight: 3, write: (draft) => spell(draft, [`guest ${draft.guest} suspend`, `guest ${draft.guest} start`], 15_000) },
  {
    weight: 2,
    write: (draft) => spell(draft, [`maintenance ${draft.host} on`, `maintenance ${draft.host} off`], 20_000),
  },
  {
    weight: 1,
    write: (draft) => {
      const fault = draft.random.pick(['refuses', 'silent']);
      spell(draft, [`fence ${draft.host} ${fault}`, `fence ${draft.host} works`], 20_000);
    },
  },
  { weight: 1, write: ({ add, guest }) => add(`guest ${guest} hang target`) },
  { weight: 1, write: (draft) => spell(draft, ['datastore full', 'datastore roomy'], 15_000) },
  { weight: 1, write: (draft) => spell(draft, [`health ${draft.host} failing`, `health ${draft.host} well`], 20_000) },
  {
    weight: 1,
    write: ({ add, host, random }) => add(`clock ${host} ${random.pick(['ahead', 'behind'])} ${random.below(7200)}`),
  },
  {
    weight: 3,
    write: ({ add, guest, random }) => add(`guest ${guest} snapshot s${random.below(2) === 0 ? ' memory' : ' disk'}`),
  },
  { weight: 2, write: ({ add, guest }) => add(`guest ${guest} forget s`) },
  {
    weight: 2,
    write: (draft) => {
      const { add, guest } = draft;
      add(`guest ${guest} snapshot s`);
      add(`guest ${guest} kill`, 300);
      const revertMs = 500 + after(draft, 4_000);
      add(`guest ${guest} revert s`, revertMs);
      add(`guest ${guest} start`, revertMs + after(draft, 11_000));
    },
  },
  {
    weight: 4,
    write: (draft) => {
      const { add, guest, random, atMs, make } = draft;
      const name = `${guest}${atMs}`;
      make(name);
      // Linked ones are of a stopped guest.
      if (random.below(2) === 0) {
        add(`guest ${guest} kill`);
        add(`guest ${guest} clone ${name} linked`, 1_000);
        add(`guest ${guest} start`, 1_000 + after(draft, 14_000));
      } else add(`guest ${guest} clone ${name}`);
      add(`guest ${name} remove`, 1_000 + after(draft, 20_000));
    },
  },
];

export const moreFaults: readonly Fault[] = [
  ...usualFaults,
  {
    weight: 3,
    write: (draft) => {
      const link = `link ${draft.host} ${draft.random.pick(draft.hosts.filter((name) => name !== draft.host))}`;
      spell(draft, [`${link} slow ${1 + draft.random.below(30)}`, `${link} heal`], 20_000);
    },
  },
  {
    weight: 2,
    write: (draft) => {
      const what = draft.random.pick(['', ' datastore']);
      spell(draft, [`controller cut${what}`, `controller heal${what}`], 12_000);
    },
  },
  {
    weight: 1,
    write: (draft) => spell(draft, [`roll ${draft.random.pick(['restart', 'look'])}`, 'roll stop'], 60_000),
  },
  { weight: 1, write: (draft) => spell(draft, [`standby ${draft.host} on`, `standby ${draft.host} off`], 30_000) },
  { weight: 2, write: ({ add, guest, random }) => add(`guest ${guest} reserve ${random.below(600)}`) },
  { weight: 1, write: ({ add }) => add('balance') },
];

function spell(draft: Draft, [begin, end]: readonly [string, string], mostMs: number): void {
  draft.add(begin);
  draft.add(end, after(draft, mostMs));
}

export function pickFault(faults: readonly Fault[], random: Random): Fault {
  let draw = random.below(faults.reduce((sum, fault) => sum + fault.weight, 0));
  for (const fault of faults) {
    draw -= fault.weight;
    if (draw < 0) return fault;
  }
  throw new Error('the weights do not add up');
}
