// A post-copy over a slow network goes on for as long as pages go over, and ends for the target when none comes any more.
import { replayChecksum } from '@argosy/domain/guest-console';
import { quickPolicy } from '@argosy/vmm/conformance/scenes';
import type { HostUnderTest } from '@argosy/vmm/test-bench';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';
import { crossing } from './two-host-bench';

beforeAll(ensureBuilt, 300_000);

/** What the guest fills while the first pass goes over takes more than a minute after the switch-over. */
const policy = { ...quickPolicy, postCopy: true, bandwidthMiBPerSecond: 0.25 };
const areaMiB = 18;
const seed = 7;
const silentMs = 60_000;

interface Moved {
  readonly bench: EmbeddedBench;
  readonly h1: HostUnderTest;
  readonly h2: HostUnderTest;
  readonly source: { readonly guestId: string; readonly epoch: number };
  readonly target: { readonly guestId: string; readonly epoch: number };
}

/** A guest that runs at the target with most of its memory at the source. */
async function whenMoved(then: (moved: Moved) => Promise<void>): Promise<void> {
  const bench = new EmbeddedBench();
  try {
    const { h1, h2, guest, source, target } = crossing(bench);
    await h1.must({ call: 'start', guest, epoch: 1 });
    await h1.must({ call: 'consoleWrite', instance: source, text: 'fill 1 1\n' });
    await h1.line('filled');
    const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy, disk: null });
    await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: null });
    await h1.must({ call: 'consoleWrite', instance: source, text: `fill ${areaMiB} ${seed}\n` });
    await h1.event('migration-completed', source);
    await h2.event('incoming-completed', target);
    await h2.must({ call: 'resume', instance: target });
    await then({ bench, h1, h2, source, target });
  } finally {
    await bench.dispose();
  }
}

/** Until that holds, which takes longer than anybody waits elsewhere. */
async function inTime(bench: EmbeddedBench, deadlineMs: number, holds: () => boolean): Promise<number> {
  const begun = bench.now();
  while (!holds()) {
    if (bench.now() - begun > deadlineMs) throw new Error(`waited ${deadlineMs} ms in vain`);
    await bench.wait(50);
  }
  return bench.now() - begun;
}

test('a source that is to be destroyed lasts until the target has every page, however long that takes', () =>
  whenMoved(async ({ bench, h2, source, target }) => {
    let isDestroyed = false;
    bench.driver('h1').execute({ call: 'stop', instance: source, graceMs: 0 }, ({ ok }) => (isDestroyed = ok));
    const tookMs = await inTime(bench, 150_000, () => isDestroyed);
    expect(tookMs).toBeGreaterThan(silentMs);
    const heard = h2.lines.length;
    await h2.must({ call: 'consoleWrite', instance: target, text: 'sum\n' });
    const { steps, checksum } = await h2.line('sum', heard);
    expect(checksum).toBe(replayChecksum({ areaMiB, seed, steps }));
    expect(h2.has('exited', target)).toBe(false);
  }));

test('a target to which nothing comes for a minute says that its source is lost', () =>
  whenMoved(async ({ bench, h2, source, target }) => {
    bench.freezeVmm('h1', source);
    await inTime(bench, silentMs + 15_000, () => h2.has('exited', target));
    expect(await h2.event('exited', target)).toMatchObject({
      how: 'crashed',
      reason: 'the source was lost before all of the memory had come over',
    });
  }));
