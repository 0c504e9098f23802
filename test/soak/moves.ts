import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteName } from '@argosy/contracts/routes';
import type { Random } from '@argosy/simulator/random';
import type { LabHost } from '../fleet/host';
import type { JobMischief } from '../fleet/job-mischief';
import type { Fleet } from '../fleet/lab';
import { type LabController, signal } from '../fleet/lab-processes';
import type { Repairs } from './repairs';
import type { SmallDatastore } from './small-datastore';
import type { SoakGuest } from './soak-guest';

export interface Soak {
  readonly fleet: Fleet;
  readonly random: Random;
  readonly guests: readonly SoakGuest[];
  readonly jobs: JobMischief;
  readonly repairs: Repairs;
  readonly small: SmallDatastore;
}

export interface Action {
  readonly weight: number;
  /** What was done, in words; null: not now. */
  readonly run: (soak: Soak) => Promise<string | null>;
}

export const askMs = 1_500;
export const between = (random: Random, least: number, most: number): number => least + random.below(most - least);

/** An administrator's request, which may be refused or go unheard: both are ordinary under faults. */
export async function ask(soak: Soak, name: RouteName, call: object): Promise<string> {
  return soak.fleet.api.call(name, call, askMs).then(
    () => 'accepted',
    (error: unknown) => (error instanceof Error ? error.message.slice(0, 160) : String(error)),
  );
}

export function pickGuest({ random, guests }: Soak): SoakGuest {
  return random.pick(guests);
}

export function pickHost({ random, fleet }: Soak): LabHost {
  return random.pick(fleet.hosts);
}

export function kill(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    signal(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** As a service manager does: a controller that finds no database says so and ends, and is started again. */
export async function supervise(controller: LabController): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await controller.start();
    } catch (error) {
      if (attempt === 30) throw error;
      await sleep(1_000);
    }
  }
}

/** It may have been destroyed meanwhile, and rightly so. */
export function thaw(pid: number): void {
  try {
    signal(pid, 'SIGCONT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Everyone with a copy there, or on the way from or to somewhere: with the host they may lose their memory. */
export async function guestsAt(soak: Soak, host: LabHost): Promise<SoakGuest[]> {
  const here = new Set(host.vmms().map(({ guestId }) => guestId));
  const moving = await soak.fleet.api
    .call('guest.list', {}, askMs)
    .then(({ items }) => items.filter(({ state }) => state === 'migrating' || state === 'starting').map(({ id }) => id))
    .catch(() => soak.guests.map(({ guest }) => guest.id));
  return soak.guests.filter(({ guest }) => here.has(guest.id) || moving.includes(guest.id));
}

export async function countEnds(soak: Soak, host: LabHost): Promise<void> {
  for (const each of await guestsAt(soak, host)) each.ends += 1;
}

export async function start(soak: Soak, guest: SoakGuest): Promise<void> {
  // Until its stop is through, a start would be refused or come first.
  for (;;) {
    const answer = await soak.fleet.api.call('guest.start', { params: { guest: guest.name } }).then(
      () => null,
      (error: unknown) => error,
    );
    if (answer === null) break;
    await sleep(500);
  }
  guest.wanted = 'running';
}

/** All that its disk is known by, and some more, with what was never there: old data is told from new. */
export async function write(soak: Soak, guest: SoakGuest): Promise<string> {
  const text = guest.nextFill();
  const answer = await ask(soak, 'guest.console-write', { params: { guest: guest.name }, body: { text: `${text}\n` } });
  return `${guest.name}: ${text}: ${answer}`;
}

/** Half of what moves or copies a disk comes upon it while it is written to. */
export async function mayWrite(soak: Soak, guest: SoakGuest): Promise<string> {
  return soak.random.below(2) === 0 ? `${await write(soak, guest)}; ` : '';
}
