import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import { formatAddress, macAddressOf, parseAddress } from '@argosy/domain/network';
import type { VmmDriver, VmmInstance } from '@argosy/control/ports/vmm-driver';
import { type BenchHost, HostUnderTest, type TestBench } from '@argosy/vmm/test-bench';

const firstAddress = parseAddress('10.0.0.2')!;
let guestsMade = 0;

interface MeasuringGuest {
  /** A program of guests/, by its path. */
  readonly program: string;
  readonly architecture: string;
}

/** Two hosts with a driver each, over one datastore in a scratch folder. */
export abstract class TwoHostBench implements TestBench {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'argosy-vmm-'));
  /** What the agents of the two hosts would know; a test may take it away from one of them. */
  readonly keys: Record<BenchHost, string | null> = { h1: '5a'.repeat(32), h2: '5a'.repeat(32) };
  readonly kernelPath: string;
  private readonly drivers: Partial<Record<BenchHost, VmmDriver>> = {};

  protected constructor(private readonly measuring: MeasuringGuest) {
    this.kernelPath = join(this.folder, 'datastore', 'images', basename(measuring.program));
    mkdirSync(join(this.folder, 'datastore', 'images'), { recursive: true });
    copyFileSync(measuring.program, this.kernelPath);
    for (const host of ['h1', 'h2']) mkdirSync(join(this.folder, host), { mode: 0o700 });
  }

  protected abstract make(host: BenchHost): VmmDriver;
  abstract killVmm(host: BenchHost, instance: VmmInstance): void;
  abstract freezeVmm(host: BenchHost, instance: VmmInstance): void;
  /** Ends every VMM that a driver has left. */
  protected abstract endVmms(): Promise<void>;

  driver(host: BenchHost): VmmDriver {
    return (this.drivers[host] ??= this.make(host));
  }

  restartAgent(host: BenchHost): VmmDriver {
    this.drivers[host]?.detach();
    return (this.drivers[host] = this.make(host));
  }

  guest({ memoryMiB = 32, cpuLimitMillicores = null as number | null } = {}): GuestSpecification {
    const address = formatAddress(firstAddress + guestsMade++);
    const guestId = `guest-${process.pid}-${guestsMade}`;
    return {
      guestId,
      name: `${guestId}, of a test`,
      vcpus: 1,
      memoryMiB,
      architecture: this.measuring.architecture,
      cpuShares: 1000,
      cpuLimitMillicores,
      display: 'none',
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
      network: { macAddress: macAddressOf(address), address, prefixLength: 8, gateway: null },
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
    await this.endVmms();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Both hosts, and a guest that is to go from the first to the second. */
export function crossing(bench: TestBench) {
  const guest = bench.guest();
  const source = { guestId: guest.guestId, epoch: 1 };
  return {
    h1: new HostUnderTest(bench, 'h1'),
    h2: new HostUnderTest(bench, 'h2'),
    guest,
    source,
    target: { ...source, epoch: 2 },
  };
}
