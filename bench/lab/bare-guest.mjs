// QEMU with nothing of Argosy round it, driven straight over QMP. Its command line, capabilities and parameters are the
// driver's own, taken from its code, but for what Argosy adds to a hand-over: a target that waits for its grant (-S).

import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { built } from '../built.mjs';
import { closeLater } from '../closers.mjs';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {{ event: string, data: Record<string, unknown> }} QmpEvent */
/** @typedef {{ folder: string, kernelPath: string, memoryMiB: number, policy: Record<string, unknown> }} BarePlan */

const { qemuArguments } = built('vmm/qemu/command-line.js');
const { qemuProgram } = built('vmm/qemu/machine.js');
const { chooseAccelerator } = built('vmm/qemu/accelerator.js');
const { migrationCapabilities } = built('vmm/qemu/outgoing.js');
const { setEncryption } = built('vmm/qemu/encryption.js');
const { QmpClient, connectSocket } = built('vmm/qemu/qmp.js');

const run = promisify(execFile);
const deadlineMs = 20_000;
const mebibyte = 2 ** 20;

/** One process. */
class BareQemu {
  /** @type {QmpEvent[]} */
  events = [];
  /** @type {Set<() => void>} */
  watchers = new Set();

  /** @param {string} folder QEMU's working folder */
  constructor(folder) {
    this.folder = folder;
    this.console = join(folder, 'console.log');
    this.hasEnded = false;
  }

  /**
   * @param {string} binary
   * @param {string[]} parameters
   */
  async open(binary, parameters) {
    mkdirSync(this.folder, { recursive: true });
    const log = openSync(join(this.folder, 'vmm.log'), 'a');
    // A session of its own, as the driver gives it: where the kernel schedules by sessions (autogroup) that weighs.
    this.child = spawn(binary, parameters, { cwd: this.folder, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    this.child.on('exit', () => {
      this.hasEnded = true;
      this.look();
    });
    const alive = () => !this.hasEnded;
    const reach = (/** @type {string} */ name) => ({ path: () => join(this.folder, name), deadlineMs, alive });
    const onEvent = (/** @type {QmpEvent} */ event) => {
      this.events.push(event);
      this.look();
    };
    this.qmp = await QmpClient.connect({ ...reach('qmp'), onEvent, onClose: () => undefined });
    this.serial = /** @type {Socket} */ (await connectSocket(reach('serial')));
    // Read and thrown away: a console that nobody reads would fill up.
    this.serial.on('error', () => undefined).resume();
  }

  look() {
    for (const watcher of this.watchers) watcher();
  }

  /**
   * @param {(event: QmpEvent) => boolean} matches
   * @returns {Promise<void>}
   */
  until(matches) {
    return new Promise((resolve, reject) => {
      const end = (/** @type {() => void} */ act) => {
        clearTimeout(deadline);
        this.watchers.delete(look);
        act();
      };
      const look = () => {
        if (this.events.some(matches)) end(resolve);
        else if (this.hasEnded) end(() => reject(new Error(`QEMU ended; see ${this.folder}/vmm.log`)));
      };
      const deadline = setTimeout(() => end(() => reject(new Error(`QEMU in ${this.folder} hangs`))), deadlineMs);
      this.watchers.add(look);
      look();
    });
  }

  /** @param {string} line */
  type(line) {
    this.serial?.write(`${line}\n`);
  }

  kill() {
    this.qmp?.close();
    this.serial?.destroy();
    if (!this.hasEnded) this.child?.kill('SIGKILL');
  }
}

/** One guest, and the QEMU that it is in at the time. */
export class BareGuest {
  moves = 0;

  /** @param {BarePlan} plan */
  constructor(plan) {
    this.plan = plan;
    this.diskPath = join(plan.folder, 'disk.qcow2');
    this.qemu = new BareQemu(this.folderOf(0));
  }

  /** @param {number} move */
  folderOf(move) {
    return join(this.plan.folder, `bare-${move}`);
  }

  /** Where its console will be after the next move. */
  get nextConsole() {
    return join(this.folderOf(this.moves + 1), 'console.log');
  }

  async prepare() {
    mkdirSync(this.plan.folder, { recursive: true });
    this.program = await qemuProgram('x86_64');
    this.accelerator = (await chooseAccelerator(this.program)).accelerator;
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', this.diskPath, '64M']);
    closeLater('the bare guest', () => this.qemu.kill());
  }

  async start() {
    await this.qemu.open(this.program.binary, this.parameters(false));
    await this.qemu.qmp.call('cont');
  }

  /**
   * @param {boolean} incoming
   * @returns {string[]}
   */
  parameters(incoming) {
    const { memoryMiB, kernelPath } = this.plan;
    const boot = {
      format: 'kernel',
      firmware: 'bios',
      kernelPath,
      initrdPath: null,
      kernelArguments: null,
      backingDiskPath: null,
      datastorePath: dirname(dirname(kernelPath)),
    };
    const guest = {
      guestId: 'bare',
      name: 'bare',
      vcpus: 1,
      memoryMiB,
      architecture: 'x86_64',
      cpuShares: 1000,
      cpuLimitMillicores: null,
      boot,
      diskPath: this.diskPath,
      diskMiB: 64,
      cloudInit: null,
      network: { macAddress: '02:41:0a:00:00:02', address: '10.0.0.2', prefixLength: 8, gateway: null },
    };
    const machine = {
      machineType: this.program.machineType,
      accelerator: this.accelerator,
      cpuModel: 'qemu64',
      quickRom: this.program.quickRom,
    };
    /** @type {string[]} */
    const all = qemuArguments({ guest, machine, incoming, firmware: null, seedPath: null, plug: { kind: 'none' } });
    return incoming ? all.filter((parameter) => parameter !== '-S') : all;
  }

  /**
   * Starts a target, moves the guest there, and ends the source.
   * @returns {Promise<{ totalMs: number, copyMs: number }>} from before the target's start until it says that the guest
   *   runs there; and from the `migrate` until then
   */
  async move() {
    const begun = performance.now();
    const { policy } = this.plan;
    const source = this.qemu;
    const target = new BareQemu(this.folderOf(this.moves + 1));
    closeLater('the target of a bare migration', () => target.kill());
    await target.open(this.program.binary, this.parameters(true));
    const uri = `unix:${join(target.folder, 'migration')}`;
    const key = policy['encrypted'] === true ? randomBytes(32).toString('hex') : null;
    await target.qmp.call('migrate-set-capabilities', migrationCapabilities(policy));
    await setEncryption(target.qmp, { folder: { path: target.folder }, endpoint: 'server', key });
    await target.qmp.call('migrate-incoming', { uri });
    await Promise.all([
      source.qmp.call('migrate-set-capabilities', migrationCapabilities(policy)),
      source.qmp.call('migrate-set-parameters', {
        'max-bandwidth': Number(policy['bandwidthMiBPerSecond']) * mebibyte,
        'downtime-limit': policy['downtimeLimitMs'],
      }),
    ]);
    await setEncryption(source.qmp, { folder: { path: source.folder }, endpoint: 'client', key });
    const copied = performance.now();
    await source.qmp.call('migrate', { uri });
    const runs = target.until(({ event }) => event === 'RESUME');
    await source.until(
      ({ event, data }) => event === 'MIGRATION' && ['completed', 'failed'].includes(String(data['status'])),
    );
    await runs;
    const ended = performance.now();
    source.kill();
    this.qemu = target;
    this.moves += 1;
    return { totalMs: ended - begun, copyMs: ended - copied };
  }
}
