import type { MigrationPolicy } from '@argosy/domain/policies';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import { isSame } from '../test-bench';
import type { HostUnderTest, TestBench } from '../test-bench';

/** The claims of the suite: a driver that cannot keep one skips it, with the reason. */
export const claims = [
  'start',
  'stop',
  'pause',
  'crash',
  'adopt',
  'console',
  'usage',
  'dirty-rate',
  'limit',
  'image-lock',
  'refusals',
  'migrate',
  'post-copy',
  'cancel',
  'target-frozen',
  'target-silent',
  'target-dies',
  'source-dies',
  'adopt-migration',
  'datastore',
  'remove-disk',
  'suspend',
  'snapshot',
  'clone',
  'migrate-disk',
  'relocate',
] as const;
export type Claim = (typeof claims)[number];

export const quickPolicy: MigrationPolicy = {
  autoConverge: false,
  postCopy: false,
  encrypted: true,
  bandwidthMiBPerSecond: 1024,
  downtimeLimitMs: 10,
  copyDeadlineMs: 30_000,
  concurrentPerHost: 2,
};
/** With a guest that dirties more than this, a copy goes on until it is ended. */
export const slowPolicy: MigrationPolicy = { ...quickPolicy, bandwidthMiBPerSecond: 8, downtimeLimitMs: 1 };
export const dirtying = 'dirty 40 16 7\n';

export interface Hosts {
  readonly bench: TestBench;
  readonly h1: HostUnderTest;
  readonly h2: HostUnderTest;
}

/** A guest on h1 with its first heartbeat heard. */
export async function running(
  { bench, h1 }: Hosts,
  wishes?: { memoryMiB?: number },
): Promise<{ guest: GuestSpecification; source: VmmInstance }> {
  const guest = bench.guest(wishes);
  await h1.must({ call: 'start', guest, epoch: 1 });
  const source = { guestId: guest.guestId, epoch: 1 };
  await h1.beats(source);
  return { guest, source };
}

export interface Copy {
  readonly guest: GuestSpecification;
  readonly source: VmmInstance;
  readonly target: VmmInstance;
}

/** A copy from h1 to h2 that has begun. */
export async function copying(hosts: Hosts, policy: MigrationPolicy, command?: string): Promise<Copy> {
  const { h1, h2 } = hosts;
  const { guest, source } = await running(hosts);
  if (command !== undefined) {
    // A guest before it may have said the same.
    const heard = h1.lines.length;
    await h1.must({ call: 'consoleWrite', instance: source, text: command });
    await h1.line('filled', heard);
  }
  const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy, disk: null });
  await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy, disk: null });
  return { guest, source, target: { guestId: guest.guestId, epoch: 2 } };
}

/** A copy that is complete on both sides, with the guest running on neither. */
export async function copied(hosts: Hosts, policy = quickPolicy, command?: string): Promise<Copy> {
  const copy = await copying(hosts, policy, command);
  await hosts.h1.event('migration-completed', copy.source);
  await hosts.h2.event('incoming-completed', copy.target);
  return copy;
}

/** A copy that will not end by itself. */
export function endless(hosts: Hosts): Promise<Copy> {
  return copying(hosts, slowPolicy, dirtying);
}

export async function workIn(
  host: HostUnderTest,
  bench: TestBench,
  instance: VmmInstance,
  durationMs: number,
): Promise<{ cpuMs: number; waitMs: number }> {
  const sample = async () => {
    const samples = await host.must({ call: 'usage' });
    const found = samples.find((one) => isSame(one.instance, instance));
    if (!found) throw new Error(`no usage of ${instance.guestId}`);
    return found;
  };
  const before = await sample();
  await bench.wait(durationMs);
  const after = await sample();
  return { cpuMs: after.cpuTimeMs - before.cpuTimeMs, waitMs: after.cpuWaitMs - before.cpuWaitMs };
}

/** Each count is one more than that before it: the guest's memory came along whole, and nothing ran twice. */
export function expectUnbroken(counts: readonly number[]): void {
  expect(counts.length).toBeGreaterThan(1);
  counts.slice(1).forEach((count, index) => expect(count).toBe((counts[index] as number) + 1));
}

export interface ConformanceTest {
  readonly says: string;
  readonly run: (hosts: Hosts) => Promise<void>;
}
export type TestTable = { readonly [claim in Claim]?: readonly ConformanceTest[] };
