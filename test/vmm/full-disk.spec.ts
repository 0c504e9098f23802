import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayDiskChecksum } from '@argosy/domain/guest-console';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';

/** A file system with little room, which only an administrator can make. */
const canMount = process.getuid?.() === 0;
const rounds = 60;

function fillUp(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(8 << 20));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/**
 * QEMU stops a guest some moments after it told of the failed write. A `cont` in between takes the stop back, and with it the
 * second try of the write: the guest would run on and wait for its disk for ever.
 */
(canMount ? test : test.skip)(
  'a write to a full disk is done when there is room, however often the guest was told to go on before',
  async () => {
    const bench = new QemuBench({ useGroups: false });
    const small = join(bench.folder, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]);
    try {
      const host = new HostUnderTest(bench, 'h1');
      const guest = { ...bench.guest(), diskPath: join(small, 'disk.qcow2') };
      const instance = { guestId: guest.guestId, epoch: 1 };
      await host.must({ call: 'start', guest, epoch: 1 });
      await host.beats(instance);
      const filler = join(small, 'filler');
      fillUp(filler);
      await host.must({ call: 'consoleWrite', instance, text: 'disk fill 2048 9\n' });
      const { refusal } = await host.event('paused', instance);
      expect(refusal?.code).toBe('disk-full');
      for (let round = 0; round < rounds; round++)
        await Promise.all([1, 2, 3].map(() => host.ask({ call: 'resume', instance })));
      // The last of them may still be on its way to its stop.
      for (let look = 0; look < 500 && (await host.stateOf(instance)) !== 'paused'; look++) await bench.wait(10);
      rmSync(filler);
      await host.ask({ call: 'resume', instance });
      await host.line('diskFilled');
      await host.must({ call: 'consoleWrite', instance, text: 'disk sum 2048\n' });
      const { checksum } = await host.line('diskSum');
      expect(checksum).toBe(replayDiskChecksum({ sectors: 2048, seed: 9 }));
    } finally {
      execFileSync('umount', ['-l', small]);
      await bench.dispose();
    }
  },
  60_000,
);
