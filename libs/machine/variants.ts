import type { ControlRegisterName } from './control-registers';

/** What a program in user mode gets that names a control register: anything but `trap` makes the instruction unprivileged. */
export type UserAccess = 'trap' | 'read' | 'read-and-ignore-writes';

/** One processor of the family: they differ only in what user mode may do. */
export interface Variant {
  readonly name: string;
  readonly summary: string;
  readonly userAccess: Readonly<Partial<Record<ControlRegisterName, UserAccess>>>;
  /** Whether `jrum` (jump to a register and be in user mode) is an instruction; it does not trap in user mode. */
  readonly jumpsToUserMode: boolean;
}

export const variantNames = ['virtualizable', 'unprivileged-reads', 'hybrid'] as const;
export type VariantName = (typeof variantNames)[number];

export const variants: Readonly<Record<VariantName, Variant>> = {
  virtualizable: {
    name: 'virtualizable',
    summary: 'user mode reaches no control register',
    userAccess: {},
    jumpsToUserMode: false,
  },
  /** As IA-32 was until 2005: SMSW and PUSHF, POPF, SIDT, and SGDT and LSL have their likes here. */
  'unprivileged-reads': {
    name: 'unprivileged-reads',
    summary: 'user mode reads some control registers, and its writes to mstatus are ignored, as on IA-32 before 2005',
    userAccess: { mstatus: 'read-and-ignore-writes', mtvec: 'read', mbase: 'read', mbound: 'read' },
    jumpsToUserMode: false,
  },
  /** As the PDP-10's JRST 1 returned to user mode, and in user mode merely jumped. */
  hybrid: {
    name: 'hybrid',
    summary: 'jrum jumps and enters user mode; in user mode it jumps, and does not trap, as JRST 1 of the PDP-10',
    userAccess: {},
    jumpsToUserMode: true,
  },
};
