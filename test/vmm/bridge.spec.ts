// Needs the right to make network namespaces, as a host with bridged guests does.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { tapName } from '@argosy/vmm/qemu/guest-link';
import { ensureBuilt } from '../fleet/build';
import { QemuBench } from './qemu-bench';

const isAllowed = process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'ip', 'link']).status === 0;
const asRoot = isAllowed ? test : test.skip;

asRoot(
  'the target’s bridge knows a guest behind its tap before it runs there, and the network beyond when it does',
  async () => {
    await ensureBuilt();
    const bench = new QemuBench({ useGroups: false });
    try {
      const guest = bench.guest();
      const program = [join(__dirname, 'bridge-move.mjs'), bench.folder, JSON.stringify(guest)];
      const said = execFileSync('unshare', ['--net', process.execPath, ...program], { encoding: 'utf8' });
      expect(JSON.parse(said)).toEqual({
        knownBefore: 'uplink2',
        knownOnArrival: tapName({ guestId: guest.guestId, epoch: 2 }),
        knownAtSourceWhenItRuns: 'uplink1',
      });
    } finally {
      await bench.dispose();
    }
  },
  60_000,
);
