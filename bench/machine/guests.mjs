// Guests of the embedded VMM: what many that do nothing cost, and how long one stands still that is moved while it writes.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { built } from '../built.mjs';
import { closeLater } from '../closers.mjs';
import { atLeast, atMost, median, quantile, spread } from '../figures.mjs';

const key = '5f'.repeat(32);
const ticksPerSecond = 100;
const policy = {
  autoConverge: false,
  postCopy: false,
  encrypted: true,
  bandwidthMiBPerSecond: 1024,
  downtimeLimitMs: 10,
  copyDeadlineMs: 30_000,
  concurrentPerHost: 2,
};

/** One host's agent, as far as its guests are concerned. */
class Host {
  /** @type {any[]} */
  events = [];
  lastLine = '';
  /** @type {Set<() => void>} */
  watchers = new Set();

  /** @param {string} folder @param {number} cpuMillicores */
  constructor(folder, cpuMillicores) {
    this.folder = folder;
    const { embeddedDriver } = built('vmm/embedded/driver.js');
    const [listenAddress, advertiseAddress] = ['127.0.0.1', '127.0.0.1'];
    const clock = { now: () => Date.now() };
    this.driver = embeddedDriver({
      folder,
      listenAddress,
      advertiseAddress,
      cpuMillicores,
      guestLink: { kind: 'none' },
      clock,
      migrationKey: () => key,
    });
    this.driver.listen((/** @type {any} */ event) => {
      this.events.push(event);
      for (const watcher of [...this.watchers]) watcher();
    });
  }

  /** @param {object} command @returns {Promise<any>} */
  ask(command) {
    return new Promise((resolve, reject) =>
      this.driver.execute(command, (/** @type {any} */ result) =>
        result.ok ? resolve(result.value) : reject(new Error(result.refusal.message)),
      ),
    );
  }

  /** @param {(event: any) => boolean} matches @returns {Promise<any>} */
  heard(matches) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.events.find(matches);
        if (!found) return;
        clearTimeout(deadline);
        this.watchers.delete(look);
        resolve(found);
      };
      const deadline = setTimeout(() => reject(new Error('what was waited for did not come within a minute')), 60_000);
      this.watchers.add(look);
      look();
    });
  }

  /** The processes of its guests. @returns {number[]} */
  pids() {
    const { findRunner } = built('vmm/embedded/runner-link.js');
    return readdirSync(this.folder).flatMap((name) => findRunner(join(this.folder, name))?.pid ?? []);
  }

  close() {
    this.driver.detach();
    for (const pid of this.pids()) process.kill(pid, 'SIGKILL');
  }
}

/** @param {string} root @param {number} count @param {number} cpuMillicores */
function startHosts(root, count, cpuMillicores) {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'argosy-bench-guests-'));
  mkdirSync(join(folder, 'datastore/images'), { recursive: true });
  copyFileSync(join(root, 'guests/machine/machine.elf'), join(folder, 'datastore/images/machine.elf'));
  const hosts = Array.from({ length: count }, (_, index) => new Host(join(folder, `h${index + 1}`), cpuMillicores));
  closeLater('guests of the embedded VMM', async () => {
    for (const host of hosts) host.close();
    await sleep(100);
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, hosts };
}

/**
 * @param {{ folder: string, memoryMiB: number }} of
 * @param {number} number
 */
function guestOf({ folder, memoryMiB }, number) {
  const guestId = `guest-${number}`;
  return {
    guestId,
    name: guestId,
    vcpus: 1,
    memoryMiB,
    architecture: 'argosy32',
    cpuShares: 1000,
    cpuLimitMillicores: null,
    boot: {
      format: 'kernel',
      firmware: 'none',
      datastorePath: join(folder, 'datastore'),
      kernelPath: join(folder, 'datastore/images/machine.elf'),
      initrdPath: null,
      kernelArguments: null,
      backingDiskPath: null,
    },
    diskPath: join(folder, 'datastore/guests', guestId, 'disk.qcow2'),
    diskMade: false,
    diskMiB: 8,
    memoryPath: null,
    cloudInit: null,
    network: { macAddress: '02:41:0a:00:00:02', address: '10.0.0.2', prefixLength: 8, gateway: null },
  };
}

/** @param {number} pid */
function processorMs(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** @param {number} pid */
function residentMiB(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** @type {import('../figures.mjs').Benchmark} */
export const idleGuests = {
  name: 'idle-guests',
  title: 'guests that do nothing but beat, in one agent of the embedded VMM',
  measure: async ({ root, quick, note }) => {
    const count = quick ? 50 : 500;
    const { folder, hosts } = startHosts(root, 1, 1000);
    const [host] = /** @type {[Host]} */ (hosts);
    for (let number = 1; number <= count; number++) {
      await host.ask({ call: 'start', guest: guestOf({ folder, memoryMiB: 16 }, number), epoch: 1 });
      if (number % 100 === 0) note(`${number} guests run`);
    }
    await sleep(quick ? 1_000 : 5_000);
    const pids = [process.pid, ...host.pids()];
    const used = () => pids.reduce((sum, pid) => sum + processorMs(pid), 0);
    const beats = () => host.events.filter(({ kind }) => kind === 'heartbeat').length;
    host.events = [];
    const [before, begun] = [used(), performance.now()];
    const measureMs = quick ? 2_000 : 20_000;
    // As an agent does: it asks once a second what each of them uses.
    for (let second = 0; second < measureMs / 1000; second++) {
      await sleep(1000);
      await host.ask({ call: 'usage' });
    }
    const elapsedMs = performance.now() - begun;
    const share = (100 * (used() - before)) / elapsedMs;
    const memoryMiB = pids.reduce((sum, pid) => sum + residentMiB(pid), 0);
    const heard = `${Math.round((beats() * 1000) / elapsedMs)} heartbeats a second were heard of ${count} guests`;
    const common = { reference: null, remark: heard };
    return [
      atMost({ ...common, name: 'idle-guests.processor', value: share, unit: '% of a core', target: 20 }),
      atMost({ ...common, name: 'idle-guests.memory', value: memoryMiB / 1024, unit: 'GiB', target: 2 }),
    ];
  },
};

/** What it asks for, as each loaded guest of the lab's demo does: 3.75 ms of every 10. */
const burstMillicores = 375;

/** @type {import('../figures.mjs').Benchmark} */
export const bursts = {
  name: 'bursts',
  title: 'a guest of the embedded VMM that works in bursts and sleeps in between',
  measure: async ({ root, quick }) => {
    const { folder, hosts } = startHosts(root, 1, 1000);
    const [host] = /** @type {[Host]} */ (hosts);
    await host.ask({ call: 'start', guest: guestOf({ folder, memoryMiB: 16 }, 1), epoch: 1 });
    await sleep(300);
    const instance = { guestId: 'guest-1', epoch: 1 };
    await host.ask({ call: 'consoleWrite', instance, text: `load ${burstMillicores}\n` });
    await sleep(1_000);
    const usedMs = async () => (await host.ask({ call: 'usage' }))[0].cpuTimeMs;
    const [before, begun] = [await usedMs(), performance.now()];
    await sleep(quick ? 1_000 : 10_000);
    const millicores = (1000 * ((await usedMs()) - before)) / (performance.now() - begun);
    return [
      atLeast({
        name: 'bursts.had',
        value: millicores / burstMillicores,
        unit: 'of what it asks for',
        reference: null,
        target: 0.9,
        remark: `${Math.round(millicores)} of ${burstMillicores} millicores: a burst in each 10 ms, which loses what it is woken late`,
      }),
    ];
  },
};

const areaMiB = 16;
const seed = 7;

/** @typedef {{ source: number, word: number, resumed: number }} Parts of a downtime, in ms: what it was spent on */

/** What both its agents do: the target may run when both sides have all. */
class Moving {
  epoch = 1;
  /** @type {number[]} */
  downtimesMs = [];
  /** @type {Parts[]} */
  partsMs = [];
  /** @type {Map<number, number[]>} the heartbeats of each epoch */
  counts = new Map();

  /** @param {Host[]} hosts @param {any} guest */
  constructor(hosts, guest) {
    this.hosts = hosts;
    this.guest = guest;
  }

  get here() {
    return /** @type {Host} */ (this.hosts[(this.epoch - 1) % 2]);
  }

  get instance() {
    return { guestId: this.guest.guestId, epoch: this.epoch };
  }

  async move() {
    const { here: source, instance } = this;
    const target = /** @type {Host} */ (this.hosts[this.epoch % 2]);
    const epoch = this.epoch + 1;
    const { uri } = await target.ask({ call: 'prepareIncoming', guest: this.guest, epoch, policy, disk: null });
    const is = (/** @type {string} */ kind, /** @type {number} */ at) => (/** @type {any} */ event) =>
      event.kind === kind && event.instance.epoch === at;
    const completed = source.heard(is('migration-completed', instance.epoch));
    const arrived = target.heard(is('incoming-completed', epoch));
    await source.ask({ call: 'migrateOut', instance, targetEpoch: epoch, uri, policy, disk: null });
    const { downtimeMs } = await completed;
    const told = performance.now();
    await arrived;
    const heard = performance.now();
    await target.ask({ call: 'resume', instance: { guestId: instance.guestId, epoch } });
    const partsMs = { source: downtimeMs, word: heard - told, resumed: performance.now() - heard };
    this.downtimesMs.push(partsMs.source + partsMs.word + partsMs.resumed);
    this.partsMs.push(partsMs);
    await source.ask({ call: 'stop', instance, graceMs: 0 });
    this.takeCounts(source, instance.epoch);
    this.epoch = epoch;
  }

  /** @param {Host} host @param {number} epoch */
  takeCounts(host, epoch) {
    const beats = host.events.filter(({ kind, instance }) => kind === 'heartbeat' && instance.epoch === epoch);
    this.counts.set(
      epoch,
      beats.map(({ count }) => count),
    );
    host.events = host.events.filter(({ instance }) => instance.epoch !== epoch);
  }

  /** @param {number} count */
  longest(count) {
    const whole = (/** @type {Parts} */ { source, word, resumed }) => source + word + resumed;
    return [...this.partsMs]
      .sort((one, other) => whole(other) - whole(one))
      .slice(0, count)
      .map((parts) => {
        const [all, source, word, resumed] = [whole(parts), parts.source, parts.word, parts.resumed].map(
          (ms) => Math.round(10 * ms) / 10,
        );
        return `${all} ms (source's part ${source}, until the target's word ${word}, its run ${resumed})`;
      });
  }

  /** Counts that are not the next one: none was lost, and none was counted twice. */
  broken() {
    const all = [...this.counts.keys()]
      .sort((one, other) => one - other)
      .flatMap((epoch) => this.counts.get(epoch) ?? []);
    return all.slice(1).filter((count, index) => count !== (all[index] ?? 0) + 1).length;
  }

  /** @param {string} text @param {RegExp} answer @returns {Promise<RegExpExecArray>} */
  async say(text, answer) {
    const { here, instance } = this;
    const said = () =>
      here.events
        .filter(({ kind, instance: of }) => kind === 'console' && of.epoch === instance.epoch)
        .map((event) => event.text)
        .join('');
    const before = said().length;
    await here.ask({ call: 'consoleWrite', instance, text: `${text}\n` });
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 10) {
      const found = answer.exec(said().slice(before));
      if (found) return found;
      await sleep(10);
    }
    throw new Error(`the guest did not answer "${text}"`);
  }
}

/** About as long as the guest is on its way in all. */
const watchedSeconds = 30;

/** For how long the machine itself stands still at the longest: nobody's fault, and in every figure. @param {number} seconds */
function longestPause(seconds) {
  const end = performance.now() + seconds * 1000;
  let [longest, before] = [0, performance.now()];
  while (before < end) {
    const now = performance.now();
    if (now - before > longest) longest = now - before;
    before = now;
  }
  return longest;
}

/** @type {import('../figures.mjs').Benchmark} */
export const migrations = {
  name: 'migrations',
  title: 'a guest of the embedded VMM that writes 10 MB/s, moved there and back',
  measure: async ({ root, quick, note }) => {
    const times = quick ? 20 : 1000;
    const { folder, hosts } = startHosts(root, 2, 1000);
    const guest = guestOf({ folder, memoryMiB: 32 }, 1);
    const moving = new Moving(hosts, guest);
    await moving.here.ask({ call: 'start', guest, epoch: 1 });
    await moving.say(`fill ${areaMiB} ${seed}`, /filled/);
    await moving.say(`dirty 10 ${areaMiB} ${seed}\nping on`, /pong on/);
    for (let done = 1; done <= times; done++) {
      await moving.move();
      if (done % 100 === 0) note(`${done} migrations: ${spread(moving.downtimesMs)}`);
    }
    const { replayChecksum } = built('domain/guest-console.js');
    const [, steps, checksum] = await moving.say('sum', /sum (\d+) ([0-9a-f]{8})/);
    const [, boot] = await moving.say('stats', /boot=(\d+)/);
    moving.takeCounts(moving.here, moving.epoch);
    const isWhole = checksum === replayChecksum({ areaMiB, seed, steps: Number(steps) }) && boot === '1';
    const lost = moving.broken() + (isWhole ? 0 : 1);
    await moving.here.ask({ call: 'stop', instance: { guestId: guest.guestId, epoch: moving.epoch }, graceMs: 0 });
    const pauseMs = longestPause(quick ? 1 : watchedSeconds);
    const remark = `from the source's standstill to the target's run, both agents' part included: ${spread(moving.downtimesMs)}`;
    return [
      atMost({
        name: 'migrations.downtime',
        value: median(moving.downtimesMs),
        unit: 'ms',
        reference: null,
        target: null,
        remark,
      }),
      atMost({
        name: 'migrations.downtime-99',
        value: quantile(moving.downtimesMs, 0.99),
        unit: 'ms',
        reference: null,
        target: 10,
        remark: 'of a hundred, the longest but one',
      }),
      atMost({
        name: 'migrations.downtime-longest',
        value: Math.max(...moving.downtimesMs),
        unit: 'ms',
        reference: pauseMs,
        target: 10,
        remark: `of all; the reference is the longest pause that a loop which only looks at the clock sees here within ${watchedSeconds} s, when nothing else runs. The longest: ${moving.longest(5).join(', ')}`,
      }),
      atMost({
        name: 'migrations.lost',
        value: lost,
        unit: `of ${times}`,
        reference: null,
        target: 0,
        remark: `heartbeats that are missing or twice, and at the end its ${areaMiB} MiB against a replay of ${steps} writes`,
      }),
    ];
  },
};
