// A disk is copied, taken or left at any moment of its guest's writing: what comes of it is the disk of one moment, and a guest that goes on writes on.
import { dirname } from 'node:path';
import type { DiskWork } from '@argosy/domain/disk-work';
import { type DiskPiece, replayDiskChecksum } from '@argosy/domain/guest-console';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { contentOf } from '../soak/disk-content';
import { EmbeddedBench } from './embedded-bench';
import { QemuBench } from './qemu-bench';
import type { TwoHostBench } from './two-host-bench';

const sectors = 3_470;
const times = 40;
const benches = { qemu: () => new QemuBench({ useGroups: false }), embedded: () => new EmbeddedBench() } as const;

/** A guest on h1 that fills its disk over and over, with something else each time. */
class Writer {
  readonly h1: HostUnderTest;
  readonly h2: HostUnderTest;
  readonly guest: GuestSpecification;
  epoch = 1;
  private seed = 1_000;

  constructor(readonly bench: TwoHostBench) {
    this.h1 = new HostUnderTest(bench, 'h1');
    this.h2 = new HostUnderTest(bench, 'h2');
    this.guest = bench.guest();
  }

  get instance(): VmmInstance {
    return { guestId: this.guest.guestId, epoch: this.epoch };
  }

  async begin(): Promise<void> {
    await this.h1.must({ call: 'start', guest: this.guest, epoch: 1 });
    await this.say(`disk fill ${sectors} ${this.seed}`);
    await this.expectWhole(this.h1);
  }

  private say(text: string): Promise<unknown> {
    return this.h1.must({ call: 'consoleWrite', instance: this.instance, text: `${text}\n` });
  }

  /** It is in the middle of that, most likely. */
  async writes(): Promise<void> {
    this.seed += 1;
    await this.say(`disk fill ${sectors} ${this.seed}`);
    await this.bench.wait(Math.random() * 150);
  }

  async work(work: DiskWork): Promise<void> {
    await this.h1.must({ call: 'diskWork', work });
  }

  async sum(host: HostUnderTest, instance: VmmInstance, count: number): Promise<string> {
    const heard = host.lines.length;
    await host.must({ call: 'consoleWrite', instance, text: `disk sum ${count}\n` });
    return (await host.line('diskSum', heard)).checksum;
  }

  /** What it was told to write before is written when it answers. */
  async expectWhole(host: HostUnderTest): Promise<void> {
    const { seed } = this;
    const checksum = await this.sum(host, this.instance, sectors);
    expect({ seed, checksum }).toEqual({ seed, checksum: replayDiskChecksum({ sectors, seed }) });
  }

  /** New up to some sector, and old from there on. */
  async expectOneMoment(host: HostUnderTest, instance: VmmInstance): Promise<void> {
    const [old, young] = [this.seed - 1, this.seed];
    const writes = [old, young].map((seed) => ({ seed, sectors, isKnown: seed === old }));
    const pieces = await contentOf({ writes, boot: 1 }, (count) => this.sum(host, instance, count));
    const seeds = pieces.map(({ seed }: DiskPiece) => seed);
    expect([[young], [young, old], [old]]).toContainEqual(seeds);
  }

  async restart(host: HostUnderTest, memoryPath: string | null = null): Promise<void> {
    this.epoch += 1;
    await host.must({ call: 'start', guest: { ...this.guest, diskMade: true, memoryPath }, epoch: this.epoch });
    await host.beats(this.instance);
  }

  stop(host: HostUnderTest): Promise<unknown> {
    return host.must({ call: 'stop', instance: this.instance, graceMs: 0 });
  }
}

const kinds: Readonly<Record<string, (writer: Writer, time: number) => Promise<void>>> = {
  'a clone': async (writer) => {
    const { guestId, diskPath } = writer.guest;
    const clone = writer.bench.guest();
    const from = { kind: 'clone', guestId, epoch: writer.epoch, diskPath, snapshotId: null, imagePath: null } as const;
    await writer.work({ ...from, clonePath: clone.diskPath, basePath: null });
    await writer.h2.must({ call: 'start', guest: { ...clone, diskMade: true }, epoch: 1 });
    const made = { guestId: clone.guestId, epoch: 1 };
    await writer.h2.beats(made);
    await writer.expectOneMoment(writer.h2, made);
    await writer.h2.must({ call: 'stop', instance: made, graceMs: 0 });
    await writer.expectWhole(writer.h1);
  },
  'a snapshot': async (writer) => {
    const { guestId, diskPath } = writer.guest;
    const snapshot = { guestId, diskPath, snapshotId: 's1', memoryPath: null } as const;
    await writer.work({ kind: 'snapshot', ...snapshot, epoch: writer.epoch });
    await writer.expectWhole(writer.h1);
    await writer.stop(writer.h1);
    await writer.work({ kind: 'revert', diskPath, snapshotId: 's1', memoryPath: null, restorePath: null });
    await writer.work({ kind: 'delete-snapshot', ...snapshot, epoch: null });
    await writer.restart(writer.h1);
    await writer.expectOneMoment(writer.h1, writer.instance);
    await writer.writes();
    await writer.expectWhole(writer.h1);
  },
  'a snapshot with its memory': async (writer) => {
    const { guestId, diskPath } = writer.guest;
    const folder = dirname(diskPath);
    const [memoryPath, restorePath] = [`${folder}/snapshots/s1.memory`, `${folder}/memory/${writer.epoch}`];
    const snapshot = { guestId, diskPath, snapshotId: 's1', memoryPath } as const;
    await writer.work({ kind: 'snapshot', ...snapshot, epoch: writer.epoch });
    await writer.expectWhole(writer.h1);
    await writer.stop(writer.h1);
    await writer.work({ kind: 'revert', diskPath, snapshotId: 's1', memoryPath, restorePath });
    await writer.work({ kind: 'delete-snapshot', ...snapshot, epoch: null });
    await writer.restart(writer.h1, restorePath);
    await writer.expectWhole(writer.h1);
  },
  'a suspension': async (writer, time) => {
    const { diskPath } = writer.guest;
    const memoryPath = `${dirname(diskPath)}/memory/${time}`;
    await writer.work({ kind: 'suspend', ...writer.instance, diskPath, memoryPath });
    await writer.restart(writer.h1, memoryPath);
    await writer.expectWhole(writer.h1);
  },
};

describe.each(Object.keys(benches) as (keyof typeof benches)[])('%s', (driver) => {
  test.each(Object.keys(kinds))(
    '%s under a guest that writes is of one moment',
    async (kind) => {
      const writer = new Writer(benches[driver]());
      try {
        await writer.begin();
        for (let time = 1; time <= times; time++) {
          await writer.writes();
          await kinds[kind]!(writer, time);
        }
      } finally {
        await writer.bench.dispose();
      }
    },
    300_000,
  );
});
