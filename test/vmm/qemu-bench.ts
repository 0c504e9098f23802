import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmDriver, VmmInstance } from '@argosy/control/ports/vmm-driver';
import type { BenchHost, TestBench } from '@argosy/vmm/test-bench';
import { qemuDriver } from '@argosy/vmm/qemu/driver';

const tinyGuest = resolve(__dirname, '../../guests/tiny/tiny.elf');
const cpuGroups = '/sys/fs/cgroup/cpu';
const sharedKey = '5a'.repeat(32);
let nextGuest = 1;

/** A group of our own where version 1 of cgroups is ours to write, else null: the driver then limits by signals. */
function makeGroup(): string | null {
  if (!existsSync(join(cpuGroups, 'cpu.cfs_quota_us'))) return null;
  const path = join(cpuGroups, `argosy-test-${process.pid}-${nextGuest}`);
  try {
    mkdirSync(path);
    writeFileSync(join(path, 'cpu.shares'), '262144');
    return path;
  } catch {
    return null;
  }
}

/** The kernel holds a group for a moment longer than its last thread. */
async function removeGroup(path: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return rmdirSync(path);
    } catch {
      await sleep(10);
    }
  }
  throw new Error(`${path} cannot be removed`);
}

export class QemuBench implements TestBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'argosy-vmm-'));
  private readonly priority = makeGroup();
  private readonly cgroup: string | null;
  private readonly listenAddress: string;
  private readonly binary: { readonly binary?: string };
  private readonly drivers: Record<BenchHost, VmmDriver>;

  /** What the agents of the two hosts would know; a test may take it away from one of them. */
  readonly keys: Record<BenchHost, string | null> = { h1: sharedKey, h2: sharedKey };

  /** `listenAddress`: other than loopback, migrations come over TCP. `binary`: a program in the place of QEMU's. */
  constructor({
    useGroups,
    listenAddress = '127.0.0.1',
    binary = null,
  }: {
    readonly useGroups: boolean;
    readonly listenAddress?: string;
    readonly binary?: ((folder: string) => string) | null;
  }) {
    this.listenAddress = listenAddress;
    this.binary = binary === null ? {} : { binary: binary(this.folder) };
    mkdirSync(join(this.folder, 'datastore', 'images'), { recursive: true });
    copyFileSync(tinyGuest, join(this.folder, 'datastore', 'images', 'tiny.elf'));
    this.cgroup = useGroups ? this.priority : null;
    this.drivers = { h1: this.make('h1'), h2: this.make('h2') };
  }

  driver(host: BenchHost): VmmDriver {
    return this.drivers[host];
  }

  restartAgent(host: BenchHost): VmmDriver {
    this.drivers[host].detach();
    this.drivers[host] = this.make(host);
    return this.drivers[host];
  }

  killVmm(host: BenchHost, instance: VmmInstance): void {
    process.kill(this.pidOf(host, instance), 'SIGKILL');
  }

  freezeVmm(host: BenchHost, instance: VmmInstance): void {
    process.kill(this.pidOf(host, instance), 'SIGSTOP');
  }

  guest({ memoryMiB = 32, cpuLimitMillicores = null as number | null } = {}): GuestSpecification {
    const guestId = `guest-${process.pid}-${nextGuest++}`;
    return {
      guestId,
      name: `${guestId}, of a test`,
      vcpus: 1,
      memoryMiB,
      architecture: 'x86_64',
      cpuShares: 1000,
      cpuLimitMillicores,
      boot: {
        format: 'kernel',
        firmware: 'none',
        kernelPath: join(this.folder, 'datastore', 'images', 'tiny.elf'),
        initrdPath: null,
        kernelArguments: null,
        backingDiskPath: null,
        datastorePath: join(this.folder, 'datastore'),
      },
      diskPath: join(this.folder, 'datastore', 'guests', guestId, 'disk.qcow2'),
      diskMade: false,
      diskMiB: 8,
      memoryPath: null,
      cloudInit: null,
      network: { macAddress: '02:41:0a:00:00:02', address: '10.0.0.2', prefixLength: 8, gateway: null },
    };
  }

  /**
   * Puts that VMM before all other work of the test machine, so that a measurement sees the guests only. Call `limit`
   * afterwards: it takes the guest's processors to their own group again.
   */
  prioritize(host: BenchHost, instance: VmmInstance): void {
    if (this.priority !== null) writeFileSync(join(this.priority, 'cgroup.procs'), String(this.pidOf(host, instance)));
  }

  now(): number {
    return performance.now();
  }

  wait(durationMs: number): Promise<void> {
    return sleep(durationMs);
  }

  async dispose(): Promise<void> {
    for (const driver of Object.values(this.drivers)) driver.detach();
    for (const host of ['h1', 'h2'] as const) for (const pid of this.pidsOf(host)) await this.end(pid);
    rmSync(this.folder, { recursive: true, force: true });
    if (this.priority === null) return;
    const groups = readdirSync(this.priority, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of groups) await removeGroup(join(this.priority, name));
    await removeGroup(this.priority);
  }

  private make(host: BenchHost): VmmDriver {
    return qemuDriver({
      ...this.binary,
      folder: join(this.folder, host),
      listenAddress: this.listenAddress,
      advertiseAddress: '127.0.0.1',
      cgroup: this.cgroup,
      guestLink: { kind: 'none' },
      migrationKey: () => this.keys[host],
      clock: { now: () => Date.now() },
    });
  }

  pidOf(host: BenchHost, instance: VmmInstance): number {
    const path = join(this.folder, host, `${instance.guestId}.${instance.epoch}`, 'pid');
    return Number(readFileSync(path, 'utf8'));
  }

  private pidsOf(host: BenchHost): number[] {
    const folder = join(this.folder, host);
    return readdirSync(folder).flatMap((name) => {
      const path = join(folder, name, 'pid');
      return existsSync(path) ? [Number(readFileSync(path, 'utf8'))] : [];
    });
  }

  /** Only if it is still the QEMU of this bench: its pid may belong to another by now. */
  private async end(pid: number): Promise<void> {
    const isOurs = () =>
      existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.folder);
    if (isOurs()) process.kill(pid, 'SIGKILL');
    for (let waitedMs = 0; isOurs() && waitedMs < 5000; waitedMs += 10) await sleep(10);
  }
}
