import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../fleet/lab';
import { difference, realityOf, underWay } from './reality';
import type { SoakGuest } from './soak-guest';

/** With everything mended, hosts and guests are where they should be within this … */
const restMs = 90_000;
/** … and the record equals what the operating system shows within this, from when that last changed. */
const settleMs = 10_000;
const lookEveryMs = 200;

export interface Settling {
  /** From the call until all was as it should be, and nothing was still being done. */
  readonly restMs: number;
  /** For how long the record differed from what was quiet already. */
  readonly settlingMs: number;
}

export async function settle(fleet: Fleet, guests: readonly SoakGuest[]): Promise<Settling> {
  const begunAt = performance.now();
  let [trace, changedAt, differedAt] = ['', begunAt, begunAt];
  for (;;) {
    const reality = realityOf(fleet, guests);
    const now = performance.now();
    if (reality.unrest !== '' || reality.trace !== trace) changedAt = now;
    ({ trace } = reality);
    const wrong = reality.unrest === '' ? await difference(fleet, guests, reality) : reality.unrest;
    if (wrong !== '') differedAt = now;
    const undone = wrong === '' ? await underWay(fleet) : wrong;
    if (undone === '') return { restMs: now - begunAt, settlingMs: Math.max(0, differedAt - changedAt) };
    if (differedAt - changedAt > settleMs) throw new Error(`record and reality, after ${settleMs / 1000} s: ${wrong}`);
    if (now - begunAt > restMs) throw new Error(`no rest within ${restMs / 1000} s: ${undone}`);
    await powerOnAgain(fleet);
    await sleep(lookEveryMs);
  }
}

/** The fence may have struck when a host was on its way back; who has fenced it does not switch it on. */
async function powerOnAgain({ hosts }: Fleet): Promise<void> {
  for (const host of hosts) if (host.agentPid() === undefined) await host.power('on');
}
