import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayDiskChecksum } from '@argosy/domain/guest-console';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { QemuBench } from './qemu-bench';

// What storage says of a write besides "full": a quota, or a failure. QEMU's own error injection (blkdebug) below the guest's
// disk refuses one write with that error, as storage does for a while.

const quotaExceeded = 122;
const inputOutput = 5;

/** QEMU, with one write of data to the node "disk" failing. */
function failingOnce(errno: number): (folder: string) => string {
  const rule = `[{"event":"write_aio","errno":${errno},"once":true}]`;
  const wrapped = `"file":{"driver":"blkdebug","image":\\1,"inject-error":${rule}}`;
  return (folder) => {
    const path = join(folder, 'qemu');
    const text = `#!/bin/sh
for word; do
  shift
  case "$word" in
    *'"node-name":"disk"'*) word=$(printf %s "$word" | sed 's/"file":\\({[^}]*}\\)/${wrapped}/');;
  esac
  set -- "$@" "$word"
done
exec qemu-system-x86_64 "$@"
`;
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  };
}

test.each([
  ['a quota that is used up', quotaExceeded, 'disk-full', /the datastore's quota is used up; raise it/],
  ['storage that fails', inputOutput, 'disk-error', /does not take what it writes \(Input\/output error\); mend/],
] as const)(
  '%s stops the guest at its write, says which it is, and costs it nothing',
  async (_what, errno, code, message) => {
    const bench = new QemuBench({ useGroups: false, binary: failingOnce(errno) });
    try {
      const host = new HostUnderTest(bench, 'h1');
      const guest = bench.guest();
      const instance = { guestId: guest.guestId, epoch: 1 };
      await host.must({ call: 'start', guest, epoch: 1 });
      // It counts its boots on its disk, and that is its first write.
      const { refusal } = await host.event('paused', instance);
      expect(refusal).toMatchObject({ code, message: expect.stringMatching(message) });
      await host.must({ call: 'resume', instance });
      await host.beats(instance);
      await host.must({ call: 'consoleWrite', instance, text: 'disk fill 256 9\n' });
      await host.line('diskFilled');
      await host.must({ call: 'consoleWrite', instance, text: 'disk sum 256\n' });
      const { checksum } = await host.line('diskSum');
      expect(checksum).toBe(replayDiskChecksum({ sectors: 256, seed: 9 }));
    } finally {
      await bench.dispose();
    }
  },
  30_000,
);
