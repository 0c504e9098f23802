import { slotCount } from '@argosy/machine/control-registers';
import { registerCount } from '@argosy/machine/processor-state';
import type { Owner } from '../disk/image-header';
import type { GuestState } from '../guest';
import { FrameError } from './frames';

/** Both sides must speak the same. */
export const protocol = 3;
/** Of a post-copy: for so long nothing went over, and who should take it or bring it is lost. */
export const lostAfterSilentMs = 60_000;

export interface Hello {
  readonly say: 'hello';
  readonly protocol: number;
  readonly guestId: string;
  readonly epoch: number;
  readonly memoryBytes: number;
  readonly sendsDisk: boolean;
}

/**
 * From the source: hello, then the memory (and before it the disk), then the state, then yours. From the target: ready, with who
 * it is as an owner of the disk; loaded, when all is there that it needs to run; whole, when the rest of a post-copy is too. In
 * between the source says reach, which is answered with reached: all that went before it has been taken.
 */
export type Said =
  | Hello
  | { readonly say: 'ready'; readonly owner: Owner }
  | { readonly say: 'refused'; readonly reason: string }
  | { readonly say: 'state'; readonly state: GuestState }
  | { readonly say: 'loaded' }
  | { readonly say: 'reach' }
  | { readonly say: 'reached' }
  | { readonly say: 'yours' }
  | { readonly say: 'whole' };

type Unknown = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Unknown => typeof value === 'object' && value !== null;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const areNumbers = (value: unknown, count?: number): boolean =>
  Array.isArray(value) && value.every(Number.isInteger) && (count === undefined || value.length === count);

function isMachineState(machine: unknown): boolean {
  if (!isObject(machine)) return false;
  const { registers, control, time, timeHigh = 0, timeScale = 0, typed, isButtonPressed } = machine;
  return (
    areNumbers(registers, registerCount) &&
    areNumbers(control, slotCount) &&
    isCount(time) &&
    isCount(timeHigh) &&
    isCount(timeScale) &&
    areNumbers(typed) &&
    typeof isButtonPressed === 'boolean'
  );
}

const always = (): boolean => true;
/** What is compared with what is known here needs no look. */
const isAsItShouldBe: Readonly<Record<Said['say'], (said: Unknown) => boolean>> = {
  hello: always,
  ready: ({ owner }) =>
    isObject(owner) && typeof owner['token'] === 'string' && typeof owner['holderPath'] === 'string',
  refused: ({ reason }) => typeof reason === 'string',
  state: ({ state }) =>
    isObject(state) && typeof state['unfinishedLine'] === 'string' && isMachineState(state['machine']),
  loaded: always,
  reach: always,
  reached: always,
  yours: always,
  whole: always,
};

/** Throws where it is nothing that is said: in plain anybody may speak. */
export function saidOf(message: unknown): Said {
  const what = isObject(message) ? message['say'] : undefined;
  const isKnown = typeof what === 'string' && Object.hasOwn(isAsItShouldBe, what);
  if (!isKnown || !isAsItShouldBe[what as Said['say']](message as Unknown))
    throw new FrameError('a message is none that is known');
  return message as Said;
}
