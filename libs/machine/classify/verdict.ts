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

export interface Finding {
  readonly sensitivity: Sensitivity;
  /** In the mode of the states it was found in; of `mode` there are two, and this is machine. */
  readonly foundIn: ModeName;
  readonly witness: string;
}

export interface Verdict {
  readonly instruction: string;
  readonly privilege: Privilege;
  /** Two states that show that it is not privileged, or how it is. */
  readonly privilegeWitness: string;
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

interface Collected {
  readonly findings: Map<string, Finding>;
  unprivilegedWitness: string | undefined;
  privilegedWitness: string | undefined;
}

function note({ findings }: Collected, sensitivity: Sensitivity, foundIn: ModeName, witness: string | undefined): void {
  const key = `${sensitivity} ${foundIn}`;
  if (witness !== undefined && !findings.has(key)) findings.set(key, { sensitivity, foundIn, witness });
}

function compareModes(collected: Collected, inMachine: ProbeResult, inUser: ProbeResult): void {
  if (inMachine.end === 'memory-trap' || inUser.end === 'memory-trap') return;
  const isPrivileged = inMachine.end === 'ran' && inUser.end === 'trap' && inUser.cause === causes.illegalInstruction;
  if (isPrivileged) {
    collected.privilegedWitness ??= 'runs in machine mode; from the same state in user mode it traps';
  } else if (inMachine.end === 'ran' || inUser.end === 'ran') {
    collected.unprivilegedWitness ??= 'from states that differ in mode alone it runs in either, or in user mode alone';
  }
  if (inMachine.end === 'ran' && inUser.end === 'ran')
    note(collected, 'mode', 'machine', differenceOf(inMachine, inUser, ['mode']));
}

/** One round: a state by chance, and its likes. */
function probeOnce(collected: Collected, { probe, otherProbe }: Probes, subject: Subject, chance: Chance): void {
  const state = anyState(subject.word(chance), chance);
  const results = {} as Record<ModeName, ProbeResult>;
  for (const [name, mode] of Object.entries(modes) as [ModeName, number][]) {
    const here = withControl(state, { mode });
    const result = (results[name] = probe.run(here));
    note(collected, 'control', name, controlChange(here, result));
    if (result.end !== 'ran') continue;
    const elsewhere = shifted(here, chance);
    const moved = probe.run(elsewhere);
    const bases = `at base ${hexadecimal(here.control[slots.base]!)} and ${hexadecimal(elsewhere.control[slots.base]!)}`;
    const difference = moved.end === 'ran' ? differenceOf(result, moved, allButPlace) : undefined;
    note(collected, 'location', name, difference && `${bases}, ${difference}`);
    const another = otherProbe.run(underAnother(here, chance));
    const seen = another.end === 'ran' ? differenceOf(result, another, allButPlace) : undefined;
    note(collected, 'resource', name, seen && `under two control programs, ${seen}`);
  }
  compareModes(collected, results.machine, results.user);
}

/** A finding is a proof: its witness was run. That nothing was found after so many rounds is none, but the states are of all kinds. */
export function classifySubject(subject: Subject, probes: Probes, chance: Chance, rounds: number): Verdict {
  const collected: Collected = {
    findings: new Map(),
    unprivilegedWitness: undefined,
    privilegedWitness: undefined,
  };
  for (let round = 0; round < rounds; round++) probeOnce(collected, probes, subject, chance);
  const { findings, unprivilegedWitness, privilegedWitness } = collected;
  const privilege: Privilege =
    unprivilegedWitness !== undefined
      ? 'unprivileged'
      : privilegedWitness !== undefined
        ? 'privileged'
        : 'always-traps';
  return {
    instruction: subject.name,
    privilege,
    privilegeWitness: unprivilegedWitness ?? privilegedWitness ?? 'traps in either mode',
    findings: [...findings.values()],
  };
}
