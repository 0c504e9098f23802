// Needs the right to make network namespaces, as a host with bridged guests does.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { tapName } from '@argosy/vmm/guest-link';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';
import { QemuBench } from './qemu-bench';

const isAllowed = process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'ip', 'link']).status === 0;
const asRoot = isAllowed ? test : test.skip;

/** The small guest on QEMU has no use for its card; that of the embedded machine answers for its address. */
asRoot.each([
  { vmm: 'qemu', make: () => new QemuBench({ useGroups: false }), answers: false },
  { vmm: 'embedded', make: () => new EmbeddedBench(), answers: true },
])(
  'the target’s bridge knows a guest behind its tap before it runs there, and the network beyond when it does: $vmm',
  async ({ vmm, make, answers }) => {
    await ensureBuilt();
    const bench = make();
    try {
      const guest = { ...bench.guest(), network: { ...bench.guest().network, macAddress: '02:41:0a:00:00:02' } };
      const program = [join(__dirname, 'bridge-move.mjs'), bench.folder, JSON.stringify(guest), vmm];
      const said = execFileSync('unshare', ['--net', process.execPath, ...program], { encoding: 'utf8' });
      expect(JSON.parse(said)).toEqual({
        knownBefore: 'uplink2',
        knownOnArrival: tapName({ guestId: guest.guestId, epoch: 2 }),
        knownAtSourceWhenItRuns: 'uplink1',
        answers: answers ? '02:41:0a:00:00:02' : null,
      });
    } finally {
      await bench.dispose();
    }
  },
  60_000,
);

const reopenTap = `
const { execFileSync } = require('node:child_process');
const { TapCable } = require(process.argv[1]);
const isThere = () => JSON.parse(execFileSync('ip', ['-json', 'link'])).some(({ ifname }) => ifname === 'tap0');
const open = () => TapCable.open('tap0', () => undefined);
(async () => {
  for (let times = 0; times < 20; times++) (await open()).close();
  const again = await open();
  const isHadAgain = isThere();
  again.close();
  for (let looks = 0; isThere() && looks < 200; looks++) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(JSON.stringify({ isHadAgain, isGone: !isThere() }));
})();`;

asRoot(
  'a tap can be had again at once under the name of one that was just closed, and goes when it is closed',
  async () => {
    await ensureBuilt();
    const cable = join(__dirname, '../../dist/libs/vmm/embedded/network/tap-cable.js');
    const said = execFileSync('unshare', ['--net', process.execPath, '-e', reopenTap, cable], { encoding: 'utf8' });
    expect(JSON.parse(said)).toEqual({ isHadAgain: true, isGone: true });
  },
);
