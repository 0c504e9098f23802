import type { Guest } from '../fleet/rows';

export type PowerRoute = 'guest.start' | 'guest.pause' | 'guest.resume' | 'guest.suspend';

/** What may be asked of a guest in each state; the server has the last word. */
export const powerOf: readonly {
  readonly route: PowerRoute;
  readonly title: string;
  readonly from: readonly Guest['state'][];
}[] = [
  { route: 'guest.start', title: 'Start', from: ['stopped', 'suspended', 'failed'] },
  { route: 'guest.pause', title: 'Pause', from: ['running'] },
  { route: 'guest.resume', title: 'Resume', from: ['paused'] },
  { route: 'guest.suspend', title: 'Suspend to disk', from: ['running', 'paused'] },
];

/** One that is suspended is not off: stopping it throws its memory away. */
export const mayBeStopped = ({ state }: Pick<Guest, 'state'>): boolean =>
  state !== 'stopped' && state !== 'failed' && state !== 'suspending';

export function whyNotRemoved({ state }: Pick<Guest, 'state'>): string | null {
  if (state === 'stopped' || state === 'failed') return null;
  if (state === 'suspended') return 'Stop it first: that throws its memory away.';
  return state === 'suspending' || state === 'cloning' ? `Not while it is ${state}.` : 'Stop it first.';
}
