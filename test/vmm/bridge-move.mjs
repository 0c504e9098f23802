// In a network namespace of its own: two bridges, joined as two hosts' are, and a guest that moves from one to the other. Prints
// where the bridges believe it to be when its memory has arrived and it does not run yet, and who answers for its address when it
// does. Arguments: a scratch folder, the guest, and whose guest it is: qemu or embedded.
import { createSocket } from 'node:dgram';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder, guestText, vmm] = process.argv.slice(2);
const { qemuDriver, embeddedDriver } = createRequire(import.meta.url)(`../../dist/libs/vmm/${vmm}/driver.js`);
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

const driver = (number) => {
  const common = {
    folder: join(folder, `h${number}`),
    listenAddress: '127.0.0.1',
    advertiseAddress: '127.0.0.1',
    guestLink: { kind: 'bridge', bridge: `bridge${number}` },
    clock: { now: () => Date.now() },
  };
  return vmm === 'qemu' ? qemuDriver({ ...common, cgroup: null }) : embeddedDriver({ ...common, cpuMillicores: 1000 });
};
/** The station that the kernel finds under the guest's address, through the bridge that it left. */
const answering = async () => {
  ip('address', 'add', '10.0.0.1/24', 'dev', 'bridge1');
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send('who is there', 9, '10.0.0.2', resolve));
  await sleep(300);
  socket.close();
  const [neighbour] = JSON.parse(execFileSync('ip', ['-json', 'neighbour', 'show', 'to', '10.0.0.2']));
  return neighbour?.lladdr ?? null;
};
const [source, target] = [driver(1), driver(2)];
const must = (on, command) =>
  new Promise((resolve, reject) => {
    on.execute(command, (result) => (result.ok ? resolve(result.value) : reject(new Error(result.refusal.message))));
  });
const guest = JSON.parse(guestText);
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
  const { uri } = await must(target, { call: 'prepareIncoming', guest, epoch: 2, policy, disk: null });
  await must(source, { call: 'migrateOut', instance: before, targetEpoch: 2, uri, policy, disk: null });
  await arrived;
  await sleep(100);
  const knownOnArrival = portOf('bridge2');
  await must(target, { call: 'resume', instance: after });
  await sleep(100);
  // The VMM has announced the guest's address by now.
  const knownAtSourceWhenItRuns = portOf('bridge1');
  console.log(JSON.stringify({ knownBefore, knownOnArrival, knownAtSourceWhenItRuns, answers: await answering() }));
} finally {
  await must(source, { call: 'stop', instance: before, graceMs: 0 });
  await must(target, { call: 'stop', instance: after, graceMs: 0 });
}
process.exit(0);
