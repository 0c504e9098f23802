import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmDriver, VmmInstance } from '@argosy/control/ports/vmm-driver';
import type { BenchHost, TestBench } from '@argosy/vmm/conformance';
import { embeddedDriver } from '@argosy/vmm/embedded/driver';
import { findRunner } from '@argosy/vmm/embedded/runner-link';
import { isRunning, signalProcess, type ProcessName } from '@argosy/vmm/process-table';

const root = join(__dirname, '../..');
/** As `npm run build` left it: the process that runs guests is no part of the test's. */
const program = join(root, 'dist/libs/vmm/embedded/main.js');
const machineGuest = join(root, 'guests/machine/machine.elf');
const sharedKey = '5f'.repeat(32);
let nextGuest = 1;

export class EmbeddedBench implements TestBench {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'argosy-embedded-'));
  /** What the agents of the two hosts would know; a test may take it away from one of them. */
  readonly keys: Record<BenchHost, string | null> = { h1: sharedKey, h2: sharedKey };
  readonly kernelPath = join(this.folder, 'datastore', 'images', 'machine.elf');
  private readonly drivers: Record<BenchHost, VmmDriver>;

  constructor(private readonly cpuMillicores = 1000) {
    mkdirSync(dirname(this.kernelPath), { recursive: true });
    copyFileSync(machineGuest, this.kernelPath);
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

  guest({ memoryMiB = 32, cpuLimitMillicores = null as number | null } = {}): GuestSpecification {
    const guestId = `guest-${process.pid}-${nextGuest++}`;
    return {
      guestId,
      name: `${guestId}, of a test`,
      vcpus: 1,
      memoryMiB,
      architecture: 'argosy32',
      cpuShares: 1000,
      cpuLimitMillicores,
      boot: {
        format: 'kernel',
        firmware: 'none',
        datastorePath: join(this.folder, 'datastore'),
        kernelPath: this.kernelPath,
        initrdPath: null,
        kernelArguments: null,
        backingDiskPath: null,
      },
      diskPath: join(this.folder, 'datastore', 'guests', guestId, 'disk.qcow2'),
      diskMade: false,
      diskMiB: 8,
      memoryPath: null,
      cloudInit: null,
      network: { macAddress: '02:41:0a:00:00:02', address: '10.0.0.2', prefixLength: 8, gateway: null },
    };
  }

  now(): number {
    return performance.now();
  }

  wait(durationMs: number): Promise<void> {
    return sleep(durationMs);
  }

  async dispose(): Promise<void> {
    for (const driver of Object.values(this.drivers)) driver.detach();
    for (const runner of [...this.runners('h1'), ...this.runners('h2')]) {
      signalProcess(runner, 'SIGKILL');
      for (let waitedMs = 0; isRunning(runner) && waitedMs < 5000; waitedMs += 10) await sleep(10);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private make(host: BenchHost): VmmDriver {
    return embeddedDriver({
      folder: join(this.folder, host),
      listenAddress: '127.0.0.1',
      advertiseAddress: '127.0.0.1',
      cpuMillicores: this.cpuMillicores,
      migrationKey: () => this.keys[host],
      clock: { now: () => Date.now() },
      program,
    });
  }
}
