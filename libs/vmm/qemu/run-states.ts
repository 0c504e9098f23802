import { type Refusal, refused } from '@argosy/domain/refusal';
import type { VmmState } from '@argosy/control/ports/vmm-driver';

/** Half of the memory was on the other side. TCP outlives a cut of minutes: a connection that broke means that its VMM died. */
export const torn = {
  how: 'crashed',
  reason: 'the other side of a post-copy is gone, and with it a part of the memory',
} as const;

/** What QEMU says of itself, as our states. */
export const runStates: Readonly<Record<string, VmmState>> = {
  prelaunch: 'starting',
  running: 'running',
  paused: 'paused',
  suspended: 'paused',
  debug: 'paused',
  watchdog: 'paused',
  'io-error': 'paused',
  inmigrate: 'incoming',
  'finish-migrate': 'sending',
  postmigrate: 'sent',
  shutdown: 'stopped',
  'guest-panicked': 'crashed',
  'internal-error': 'crashed',
};

export const shutdownReasons: Readonly<
  Record<string, { readonly how: 'stopped' | 'crashed'; readonly reason: string }>
> = {
  'guest-shutdown': { how: 'stopped', reason: 'the guest powered off' },
  'guest-reset': { how: 'crashed', reason: 'the guest reset its processor, as after a fault that it could not handle' },
  'guest-panic': { how: 'crashed', reason: 'the guest panicked' },
  'host-signal': { how: 'crashed', reason: 'QEMU was ended by a signal on its host' },
};

/** As the C library says EDQUOT, which QEMU passes on in words only. */
const quotaExceeded = 'Disk quota exceeded';

/** Why QEMU has stopped a guest at one of its writes. */
export function diskRefusal(name: string, { nospace, reason }: Readonly<Record<string, unknown>>): Refusal {
  if (nospace === true)
    return refused('disk-full', `${name} stands still: the datastore is full; free some room on it, and it goes on.`)
      .refusal;
  if (reason === quotaExceeded)
    return refused(
      'disk-full',
      `${name} stands still: the datastore's quota is used up; raise it or free some room, and it goes on.`,
    ).refusal;
  return refused(
    'disk-error',
    `${name} stands still: its datastore does not take what it writes (${String(reason)}); mend the storage, and it goes on.`,
  ).refusal;
}
