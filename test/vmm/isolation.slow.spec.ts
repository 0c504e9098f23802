import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';

const limitMillicores = 300;
const windowMs = 300;
const windows = 25;
const settleMs = 80;

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] as number;
}

async function startGuest(
  host: HostUnderTest,
  bench: QemuBench,
  { loadPermille, cpuLimitMillicores }: { readonly loadPermille: number; readonly cpuLimitMillicores: number | null },
): Promise<VmmInstance> {
  const guest = bench.guest();
  const instance = { guestId: guest.guestId, epoch: 1 };
  await host.must({ call: 'start', guest, epoch: 1 });
  await host.beats(instance);
  await setLimit(host, instance, cpuLimitMillicores);
  await setLoad(host, instance, loadPermille);
  return instance;
}

async function setLimit(host: HostUnderTest, instance: VmmInstance, cpuLimitMillicores: number | null): Promise<void> {
  await host.must({ call: 'limit', instance, cpuShares: 1000, cpuLimitMillicores });
}

async function setLoad(host: HostUnderTest, instance: VmmInstance, permille: number): Promise<void> {
  await host.must({ call: 'consoleWrite', instance, text: `load ${permille}\n` });
}

/** The guest's own word for the work that it has done. */
async function workOf(host: HostUnderTest, instance: VmmInstance): Promise<{ work: number; at: number }> {
  const heard = host.lines.length;
  await host.must({ call: 'consoleWrite', instance, text: 'work\n' });
  const { work } = await host.line('work', heard);
  return { work, at: performance.now() };
}

async function cpuTimeOf(host: HostUnderTest, instance: VmmInstance): Promise<{ ms: number; at: number }> {
  const samples = await host.must({ call: 'usage' });
  const sample = samples.find((one) => one.instance.guestId === instance.guestId);
  return { ms: sample?.cpuTimeMs ?? NaN, at: performance.now() };
}

interface Window {
  readonly limitedShare: number;
  readonly neighbourRate: number;
}

async function measure(
  host: HostUnderTest,
  bench: QemuBench,
  limited: VmmInstance,
  neighbour: VmmInstance,
): Promise<Window> {
  const [work, cpu] = [await workOf(host, neighbour), await cpuTimeOf(host, limited)];
  await bench.wait(windowMs);
  const [workAfter, cpuAfter] = [await workOf(host, neighbour), await cpuTimeOf(host, limited)];
  return {
    limitedShare: (cpuAfter.ms - cpu.ms) / (cpuAfter.at - cpu.at),
    neighbourRate: (workAfter.work - work.work) / (workAfter.at - work.at),
  };
}

describe('a guest limited to 30 % of a processor', () => {
  let bench: QemuBench;
  let host: HostUnderTest;
  const make = (useGroups: boolean) => {
    bench = new QemuBench({ useGroups });
    host = new HostUnderTest(bench, 'h1');
  };
  afterEach(() => bench.dispose());

  it('gets 30 ± 3 % by control groups, and its neighbour hardly feels it', async () => {
    make(true);
    const neighbour = await startGuest(host, bench, { loadPermille: 1000, cpuLimitMillicores: null });
    const limited = await startGuest(host, bench, { loadPermille: 0, cpuLimitMillicores: limitMillicores });
    for (const instance of [neighbour, limited]) bench.prioritize('h1', instance);
    await setLimit(host, neighbour, null);
    await setLimit(host, limited, limitMillicores);
    const shares: number[] = [];
    const changes: number[] = [];
    // In turn, so that whatever else changes on the test machine changes for both.
    for (let round = 0; round < windows; round++) {
      await setLoad(host, limited, 0);
      await bench.wait(settleMs);
      const idle = await measure(host, bench, limited, neighbour);
      await setLoad(host, limited, 1000);
      await bench.wait(settleMs);
      const busy = await measure(host, bench, limited, neighbour);
      shares.push(busy.limitedShare);
      changes.push(busy.neighbourRate / idle.neighbourRate - 1);
    }
    expect(Math.abs(median(shares) - 0.3)).toBeLessThan(0.03);
    expect(Math.abs(median(changes))).toBeLessThan(0.05);
  }, 60_000);

  it('gets 30 ± 3 % by signals, where there are no control groups', async () => {
    make(false);
    const limited = await startGuest(host, bench, { loadPermille: 1000, cpuLimitMillicores: limitMillicores });
    await bench.wait(settleMs);
    const shares: number[] = [];
    for (let round = 0; round < 7; round++) {
      const before = await cpuTimeOf(host, limited);
      await bench.wait(1000);
      const after = await cpuTimeOf(host, limited);
      shares.push((after.ms - before.ms) / (after.at - before.at));
    }
    expect(Math.abs(median(shares) - 0.3)).toBeLessThan(0.03);
  }, 60_000);
});
