import type { Chance } from '../random-program';
import { classes, theorems } from './class-screens';
import { aMigration, twoEngines } from './engine-screens';
import { aTrap, relocation, theMachine } from './machine-screens';
import { aPatch, machinesInMachines, trapAndEmulate } from './monitor-screens';

/** Virtualization in ten screens for someone who learns it. What they show was run when they are made: nothing is told that did not happen. */
export interface TourScreen {
  readonly title: string;
  /** Where that is in the code. */
  readonly code: string;
  readonly lines: (chance: Chance) => readonly string[];
}

export const tourScreens: readonly TourScreen[] = [
  {
    title: 'The machine',
    code: 'libs/machine/machine.ts, interpreter.ts',
    lines: theMachine,
  },
  {
    title: 'Relocation and bounds',
    code: 'libs/machine/interpreter.ts',
    lines: relocation,
  },
  {
    title: 'A trap',
    code: 'libs/machine/machine.ts (enterTrap), system.ts (trapReturn)',
    lines: aTrap,
  },
  {
    title: 'Which instructions are sensitive',
    code: 'libs/machine/classify/, classification.ts',
    lines: classes,
  },
  {
    title: 'The three theorems',
    code: 'libs/machine/classification.ts, variants.ts',
    lines: theorems,
  },
  {
    title: 'Trap and emulate',
    code: 'libs/machine/vmm/virtual-machine.ts, system.ts',
    lines: trapAndEmulate,
  },
  {
    title: 'A VM in a VM',
    code: 'libs/machine/vmm/monitor.ts, chain.ts',
    lines: machinesInMachines,
  },
  {
    title: 'A patched instruction',
    code: 'libs/machine/vmm/patcher.ts',
    lines: aPatch,
  },
  {
    title: 'Two engines',
    code: 'libs/machine/interpreter.ts, translator/',
    lines: twoEngines,
  },
  {
    title: 'A migration, page by page',
    code: 'libs/machine/memory.ts (takeDirtyPages)',
    lines: aMigration,
  },
];
