// In a network namespace of its own: two bridges, joined as two hosts' are, and a guest that moves from one to the other. Prints
// where the bridges believe it to be when its memory has arrived and it does not run yet. Argument: a scratch folder.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const { qemuDriver } = createRequire(import.meta.url)('../../dist/libs/vmm/qemu/driver.js');
const folder = process.argv[2];
const macAddress = '02:41:0a:00:00:02';
const ip = (...words) => execFileSync('ip', words);
/** The port behind which a bridge knows the guest. */
const portOf = (bridge) =>
  JSON.parse(execFileSync('bridge', ['-json', 'fdb', 'show', 'br', bridge]))
    .filter((entry) => entry.mac === macAddress)
    .map(({ ifname }) => ifname)
    .join();

ip('link', 'set', 'lo', 'up');
ip('link', 'add', 'uplink1', 'type', 'veth', 'peer', 'name', 'uplink2');
for (const number of [1, 2]) {
  ip('link', 'add', `bridge${number}`, 'type', 'bridge');
  ip('link', 'set', `bridge${number}`, 'up');
  ip('link', 'set', `uplink${number}`, 'master', `bridge${number}`, 'up');
}
// As the target's bridge has learned from what the guest sent before.
execFileSync('bridge', ['fdb', 'replace', macAddress, 'dev', 'uplink2', 'master', 'dynamic']);

const driver = (number) =>
  qemuDriver({
    folder: join(folder, `h${number}`),
    listenAddress: '127.0.0.1',
    advertiseAddress: '127.0.0.1',
    cgroup: null,
    guestLink: { kind: 'bridge', bridge: `bridge${number}` },
    clock: { now: () => Date.now() },
  });
const [source, target] = [driver(1), driver(2)];
const must = (vmm, command) =>
  new Promise((resolve, reject) => {
    vmm.execute(command, (result) => (result.ok ? resolve(result.value) : reject(new Error(result.refusal.message))));
  });
const guest = JSON.parse(process.argv[3]);
const policy = {
  autoConverge: false,
  postCopy: false,
  bandwidthMiBPerSecond: 1024,
  downtimeLimitMs: 10,
  copyDeadlineMs: 30_000,
  concurrentPerHost: 2,
};
const [before, after] = [1, 2].map((epoch) => ({ guestId: guest.guestId, epoch }));
source.listen(() => undefined);
const arrived = new Promise((resolve) => target.listen(({ kind }) => kind === 'incoming-completed' && resolve()));
try {
  await must(source, { call: 'start', guest, epoch: 1 });
  const knownBefore = portOf('bridge2');
  const { uri } = await must(target, { call: 'prepareIncoming', guest, epoch: 2, policy });
  await must(source, { call: 'migrateOut', instance: before, uri, policy });
  await arrived;
  await sleep(100);
  const knownOnArrival = portOf('bridge2');
  await must(target, { call: 'resume', instance: after });
  await sleep(100);
  // QEMU has announced the guest's address by now.
  console.log(JSON.stringify({ knownBefore, knownOnArrival, knownAtSourceWhenItRuns: portOf('bridge1') }));
} finally {
  await must(source, { call: 'stop', instance: before, graceMs: 0 });
  await must(target, { call: 'stop', instance: after, graceMs: 0 });
}
process.exit(0);
