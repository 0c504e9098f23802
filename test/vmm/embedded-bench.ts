import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { VmmDriver, VmmInstance } from '@argosy/control/ports/vmm-driver';
import { embeddedDriver } from '@argosy/vmm/embedded/driver';
import { findRunner } from '@argosy/vmm/embedded/runner-link';
import type { GuestLink } from '@argosy/vmm/guest-link';
import { isRunning, signalProcess, type ProcessName } from '@argosy/vmm/process-table';
import type { BenchHost } from '@argosy/vmm/test-bench';
import { TwoHostBench } from './two-host-bench';

const root = join(__dirname, '../..');
/** As `npm run build` left it: the process that runs guests is no part of the test's. */
const program = join(root, 'dist/libs/vmm/embedded/main.js');

interface EmbeddedBenchOptions {
  readonly cpuMillicores?: number;
  readonly guestLink?: (host: BenchHost, folder: string) => GuestLink;
}

export class EmbeddedBench extends TwoHostBench {
  private readonly cpuMillicores: number;
  private readonly guestLink: (host: BenchHost, folder: string) => GuestLink;

  constructor({ cpuMillicores = 1000, guestLink = () => ({ kind: 'none' }) }: EmbeddedBenchOptions = {}) {
    super({ program: join(root, 'guests/machine/machine.elf'), architecture: 'argosy32' });
    this.cpuMillicores = cpuMillicores;
    this.guestLink = guestLink;
  }

  /** All guests of the host are in one process here, and end with it. */
  killVmm(host: BenchHost, _instance: VmmInstance): void {
    this.signal(host, 'SIGKILL');
  }

  freezeVmm(host: BenchHost, _instance: VmmInstance): void {
    this.signal(host, 'SIGSTOP');
  }

  private signal(host: BenchHost, signal: NodeJS.Signals): void {
    for (const runner of this.runners(host)) signalProcess(runner, signal);
  }

  /** The processes of that host's guests. */
  runners(host: BenchHost): ProcessName[] {
    const folder = join(this.folder, host);
    return readdirSync(folder).flatMap((name) => findRunner(join(folder, name)) ?? []);
  }

  protected async endVmms(): Promise<void> {
    for (const runner of [...this.runners('h1'), ...this.runners('h2')]) {
      signalProcess(runner, 'SIGKILL');
      for (let waitedMs = 0; isRunning(runner) && waitedMs < 5000; waitedMs += 10) await this.wait(10);
    }
  }

  protected make(host: BenchHost): VmmDriver {
    return embeddedDriver({
      folder: join(this.folder, host),
      listenAddress: '127.0.0.1',
      advertiseAddress: '127.0.0.1',
      cpuMillicores: this.cpuMillicores,
      guestLink: this.guestLink(host, this.folder),
      migrationKey: () => this.keys[host],
      clock: { now: () => Date.now() },
      program,
    });
  }
}
