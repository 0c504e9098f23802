// A snapshot's memory is written while the agent dies, at any moment: QEMU is never left waiting for what nobody will say.
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';

const tries = 1000;
const busy: ChildProcess[] = [];
let bench: QemuBench;
beforeAll(() => {
  // With nothing else to do every thread gets its turn at once, and the moment that is looked for is too short.
  for (let each = 0; each < 4; each++) busy.push(spawn(process.execPath, ['-e', 'for (;;);']));
  bench = new QemuBench({ useGroups: false });
});
afterAll(async () => {
  for (const each of busy) each.kill('SIGKILL');
  await bench.dispose();
}, 30_000);

test('an agent that returns while a snapshot is taken knows its guest soon, and the guest runs', async () => {
  const host = new HostUnderTest(bench, 'h1');
  const guest = bench.guest();
  const { guestId, diskPath } = guest;
  const instance = { guestId, epoch: 1 };
  await host.must({ call: 'start', guest, epoch: 1 });
  const memoryPath = `${dirname(diskPath)}/snapshots/s1.memory`;
  const work = { kind: 'snapshot', guestId, epoch: 1, diskPath, snapshotId: 's1', memoryPath } as const;
  const removal = { ...work, kind: 'delete-snapshot' } as const;
  const lookedMs: number[] = [];
  for (let each = 0; each < tries; each++) {
    void host.ask({ call: 'diskWork', work }).catch(() => undefined);
    const endsAt = bench.now() + 6 + (each % 100) / 8;
    while (bench.now() < endsAt) await new Promise(setImmediate);
    host.restartAgent();
    const beganAt = bench.now();
    expect(await host.stateOf(instance)).toBe('running');
    lookedMs.push(bench.now() - beganAt);
    await host.must({ call: 'diskWork', work: removal });
  }
  console.log(`known again within ${Math.round(Math.max(...lookedMs))} ms at most`);
}, 600_000);
