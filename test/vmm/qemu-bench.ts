import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VmmDriver, VmmInstance } from '@argosy/control/ports/vmm-driver';
import type { BenchHost } from '@argosy/vmm/test-bench';
import type { GuestLink } from '@argosy/vmm/guest-link';
import { qemuDriver } from '@argosy/vmm/qemu/driver';
import { TwoHostBench } from './two-host-bench';

const cpuGroups = '/sys/fs/cgroup/cpu';
let groupsMade = 0;

/** A group of our own where version 1 of cgroups is ours to write, else null: the driver then limits by signals. */
function makeGroup(): string | null {
  if (!existsSync(join(cpuGroups, 'cpu.cfs_quota_us'))) return null;
  const path = join(cpuGroups, `argosy-test-${process.pid}-${++groupsMade}`);
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

export class QemuBench extends TwoHostBench {
  private readonly priority = makeGroup();
  private readonly cgroup: string | null;
  private readonly listenAddress: string;
  private readonly binary: { readonly binary?: string };
  private readonly guestLink: (host: BenchHost, folder: string) => GuestLink;

  /** `listenAddress`: other than loopback, migrations come over TCP. `binary`: a program in the place of QEMU's. */
  constructor({
    useGroups,
    listenAddress = '127.0.0.1',
    binary = null,
    guestLink = () => ({ kind: 'none' }),
  }: {
    readonly useGroups: boolean;
    readonly listenAddress?: string;
    readonly binary?: ((folder: string) => string) | null;
    readonly guestLink?: (host: BenchHost, folder: string) => GuestLink;
  }) {
    super({ program: resolve(__dirname, '../../guests/tiny/tiny.elf'), architecture: 'x86_64' });
    this.listenAddress = listenAddress;
    this.guestLink = guestLink;
    this.binary = binary === null ? {} : { binary: binary(this.folder) };
    this.cgroup = useGroups ? this.priority : null;
  }

  killVmm(host: BenchHost, instance: VmmInstance): void {
    process.kill(this.pidOf(host, instance), 'SIGKILL');
  }

  freezeVmm(host: BenchHost, instance: VmmInstance): void {
    process.kill(this.pidOf(host, instance), 'SIGSTOP');
  }

  /**
   * Puts that VMM before all other work of the test machine, so that a measurement sees the guests only. Call `limit`
   * afterwards: it takes the guest's processors to their own group again.
   */
  prioritize(host: BenchHost, instance: VmmInstance): void {
    if (this.priority !== null) writeFileSync(join(this.priority, 'cgroup.procs'), String(this.pidOf(host, instance)));
  }

  protected async endVmms(): Promise<void> {
    for (const host of ['h1', 'h2'] as const) for (const pid of this.pidsOf(host)) await this.end(pid);
  }

  override async dispose(): Promise<void> {
    await super.dispose();
    if (this.priority === null) return;
    const groups = readdirSync(this.priority, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of groups) await removeGroup(join(this.priority, name));
    await removeGroup(this.priority);
  }

  protected make(host: BenchHost): VmmDriver {
    return qemuDriver({
      ...this.binary,
      folder: join(this.folder, host),
      listenAddress: this.listenAddress,
      advertiseAddress: '127.0.0.1',
      cgroup: this.cgroup,
      guestLink: this.guestLink(host, this.folder),
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
