import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the agent wants of the watchdog, in the agent's state folder. */
export interface WatchdogOrders {
  /** The pool stops the guests of a host that is cut off: so does the watchdog, at the end of its lease. */
  readonly armed: boolean;
  readonly leaseMs: number;
  readonly incarnation: number;
}

/** What the watchdog knows, for its own next process and for the agent, which looks after it. */
export interface WatchdogRecord {
  readonly bootId: string;
  readonly pid: number;
  /** When the guests must have ended, by the host's own clock since its boot; null: they may run on. */
  readonly deadlineMs: number | null;
  /** How often it has ended the guests. */
  readonly fired: number;
}

export const ordersFile = (stateFolder: string): string => join(stateFolder, 'watchdog-orders.json');
export const recordFile = (stateFolder: string): string => join(stateFolder, 'watchdog.json');

/** Sooner than the lease by this, so that clocks may differ and signals may take their time. */
export const leaseMarginMs = 2_000;

export function readJson<Value>(path: string): Value | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Value;
  } catch {
    return null;
  }
}

/** Whole or not at all. */
export function writeJson(path: string, value: object): void {
  writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Since the boot, with the time that the host slept: one clock for every process, which nobody sets. */
export function sinceBootMs(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
