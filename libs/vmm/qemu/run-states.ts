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

/** Why QEMU has stopped a guest at one of its writes. */
export function diskRefusal(name: string, data: Readonly<Record<string, unknown>>): Refusal {
  return (
    data['nospace'] === true
      ? refused('disk-full', `${name} stands still: the datastore is full; free some room on it, and it goes on.`)
      : refused('vmm-failed', `${name} stands still: its disk cannot be used (${String(data['reason'])}).`)
  ).refusal;
}
