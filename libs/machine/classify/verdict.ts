import { slots, type Slot } from '../control-registers';
import { hexadecimal, registerCount } from '../processor-state';
import type { Chance } from '../random-program';
import { causes } from '../traps';
import type { Variant } from '../variants';
import {
  anotherEquipment,
  anyControl,
  anyState,
  anyTime,
  chanceOf,
  modes,
  oneEquipment,
  Probe,
  probeBases,
  withControl,
  type ModeName,
  type ProbeResult,
  type ProbeState,
} from './probe';
import type { Subject } from './subjects';

/**
 * control: changes mode, relocation register, another control register or a device, without a trap.
 * location: does something else where its memory lies elsewhere. mode: does something else in the other mode, trapping in neither.
 * resource: does something else where the rest of what belongs to the control program is something else: other control
 * registers, the bound, time, devices. The paper's machine has none of those; what shows them shows the control program.
 */
export type Sensitivity = 'control' | 'location' | 'mode' | 'resource';

/** privileged: in no pair of states that differ in mode does it trap in machine mode or not trap in user mode. */
export type Privilege = 'privileged' | 'unprivileged' | 'always-traps';

/** What was run and seen. `replayed` runs it again: word and states are those of the seed. */
export interface Witness {
  readonly witness: string;
  readonly word: number;
  readonly seed: number;
}

export interface Finding extends Witness {
  readonly sensitivity: Sensitivity;
  /** In the mode of the states it was found in; of `mode` there are two, and this is machine. */
  readonly foundIn: ModeName;
}

export interface Verdict {
  readonly instruction: string;
  readonly privilege: Privilege;
  /** Two states, equal but for the mode, that show that it is not privileged, or how it is. */
  readonly privilegeWitness: Witness;
  /** At most one for each sensitivity and mode. */
  readonly findings: readonly Finding[];
}

type Ignored = readonly Slot[];

function differenceOf(one: ProbeResult, other: ProbeResult, ignored: Ignored): string | undefined {
  for (let register = 1; register < registerCount; register++)
    if (one.registers[register] !== other.registers[register])
      return `x${register} is ${hexadecimal(one.registers[register]!)} and ${hexadecimal(other.registers[register]!)}`;
  for (const [name, slot] of Object.entries(slots))
    if (!ignored.includes(name as Slot) && one.control[slot] !== other.control[slot])
      return `${name} is ${hexadecimal(one.control[slot]!)} and ${hexadecimal(other.control[slot]!)}`;
  for (let index = 0; index < one.content.length; index++)
    if (one.content[index] !== other.content[index])
      return `memory at ${4 * index} is ${hexadecimal(one.content[index]!)} and ${hexadecimal(other.content[index]!)}`;
  return undefined;
}

const allButPlace = (Object.keys(slots) as Slot[]).filter((name) => name !== 'pc');

function controlChange(before: ProbeState, after: ProbeResult): string | undefined {
  if (after.end !== 'ran') return undefined;
  for (const name of allButPlace) {
    const [old, now] = [before.control[slots[name]]!, after.control[slots[name]]!];
    if (old !== now) return `${name} goes from ${hexadecimal(old)} to ${hexadecimal(now)}`;
  }
  return after.effects[0];
}

/** The same program in memory that lies elsewhere. */
function shifted(state: ProbeState, chance: Chance): ProbeState {
  const others = probeBases.filter((base) => base !== state.control[slots.base]);
  return withControl(state, { base: others[chance.below(others.length)]! });
}

/** The same program in the same place, with everything else of the control program's changed. */
function underAnother(state: ProbeState, chance: Chance): ProbeState {
  const { pc, mode, base } = slots;
  const control = anyControl(chance, state.control[mode]!, state.control[base]!);
  control[pc] = state.control[pc]!;
  control[slots.bound] = state.control[slots.bound]! * (1 + chance.below(2));
  return { ...state, control, time: anyTime(chance) };
}

export interface Probes {
  readonly probe: Probe;
  /** Of the same variant, with other equipment. */
  readonly otherProbe: Probe;
}

export function probesOf(variant: Variant): Probes {
  return { probe: new Probe(variant, oneEquipment), otherProbe: new Probe(variant, anotherEquipment) };
}

/** What one round saw. */
export interface Round {
  readonly seed: number;
  readonly word: number;
  readonly seen: readonly { readonly sensitivity: Sensitivity; readonly foundIn: ModeName; readonly witness: string }[];
  /** null: its pair of states tells nothing. */
  readonly privilege: { readonly class: Privilege; readonly witness: string } | null;
}

const endWords = { ran: 'runs', trap: 'traps', 'memory-trap': 'has a memory trap' } as const;

/** By the paper's definition, of one pair of states. */
function privilegeOf(
  { control }: ProbeState,
  { machine, user }: Readonly<Record<ModeName, ProbeResult>>,
): Round['privilege'] {
  if (machine.end === 'memory-trap' || user.end === 'memory-trap') return null;
  const place = `at ${hexadecimal(control[slots.pc]!)} behind base ${hexadecimal(control[slots.base]!)}`;
  const witness = `${place} it ${endWords[machine.end]} in machine mode, and ${endWords[user.end]} in user mode`;
  if (machine.end === 'trap' && user.end === 'trap') return { class: 'always-traps', witness };
  const isPrivileged = machine.end === 'ran' && user.end === 'trap' && user.cause === causes.illegalInstruction;
  return { class: isPrivileged ? 'privileged' : 'unprivileged', witness };
}

/** One round: a state by chance, and its likes. */
function probeOnce({ probe, otherProbe }: Probes, subject: Subject, seed: number): Round {
  const chance = chanceOf(seed);
  const word = subject.word(chance);
  const state = anyState(word, chance);
  const results = {} as Record<ModeName, ProbeResult>;
  const seen: Round['seen'][number][] = [];
  const note = (sensitivity: Sensitivity, foundIn: ModeName, witness: string | undefined): void => {
    if (witness !== undefined) seen.push({ sensitivity, foundIn, witness });
  };
  for (const [name, mode] of Object.entries(modes) as [ModeName, number][]) {
    const here = withControl(state, { mode });
    const result = (results[name] = probe.run(here));
    note('control', name, controlChange(here, result));
    if (result.end !== 'ran') continue;
    const elsewhere = shifted(here, chance);
    const moved = probe.run(elsewhere);
    const bases = `at base ${hexadecimal(here.control[slots.base]!)} and ${hexadecimal(elsewhere.control[slots.base]!)}`;
    const difference = moved.end === 'ran' ? differenceOf(result, moved, allButPlace) : undefined;
    note('location', name, difference && `${bases}, ${difference}`);
    const another = otherProbe.run(underAnother(here, chance));
    const told = another.end === 'ran' ? differenceOf(result, another, allButPlace) : undefined;
    note('resource', name, told && `under two control programs, ${told}`);
  }
  const { machine, user } = results;
  if (machine.end === 'ran' && user.end === 'ran') note('mode', 'machine', differenceOf(machine, user, ['mode']));
  return { seed, word, seen, privilege: privilegeOf(state, results) };
}

/** The round that a witness is of, again. */
export function replayed(subject: Subject, probes: Probes, { seed }: Witness): Round {
  return probeOnce(probes, subject, seed);
}

/** One that shows the strongest: a single pair that runs in user mode is enough. */
const strongestFirst: readonly Privilege[] = ['unprivileged', 'privileged', 'always-traps'];

/** A finding is a proof: its witness was run. That nothing was found after so many rounds is none, but the states are of all kinds. */
export function classifySubject(subject: Subject, probes: Probes, chance: Chance, rounds: number): Verdict {
  const findings = new Map<string, Finding>();
  const privileges = new Map<Privilege, Witness>();
  for (let round = 0; round < rounds; round++) {
    const { seed, word, seen, privilege } = probeOnce(probes, subject, chance.below(2 ** 32));
    for (const { sensitivity, foundIn, witness } of seen) {
      const key = `${sensitivity} ${foundIn}`;
      if (!findings.has(key)) findings.set(key, { sensitivity, foundIn, witness, word, seed });
    }
    if (privilege && !privileges.has(privilege.class))
      privileges.set(privilege.class, { witness: privilege.witness, word, seed });
  }
  const privilege = strongestFirst.find((each) => privileges.has(each));
  if (privilege === undefined) throw new Error(`${subject.name}: in ${rounds} rounds there were memory traps alone.`);
  return {
    instruction: subject.name,
    privilege,
    privilegeWitness: privileges.get(privilege)!,
    findings: [...findings.values()],
  };
}
