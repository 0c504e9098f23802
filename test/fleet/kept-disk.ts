import type { Guest } from '@argosy/domain/entities';
import { replayDiskChecksum } from '@argosy/domain/guest-console';
import type { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

let latestSeed = 0;

/** A guest whose disk holds known data: never the same twice, so that old or foreign data is told from its own. */
export class KeptDisk {
  seed = 0;

  constructor(
    private readonly fleet: Fleet,
    readonly guest: LabGuest,
    /** How many hold the data. */
    private readonly sectors = 512,
  ) {}

  async write(): Promise<void> {
    this.seed = ++latestSeed;
    await this.guest.ask(`disk fill ${this.sectors} ${this.seed}`, 'diskFilled');
  }

  /** All of it is written anew, again and again, until that has ended; value: how often it was. A write that got lost leaves older data. */
  async writeDuring(work: () => Promise<void>): Promise<number> {
    const progress = { hasEnded: false };
    const working = work().finally(() => (progress.hasEnded = true));
    working.catch(() => undefined);
    let count = 0;
    for (; !progress.hasEnded; count++) await this.write();
    await working;
    return count;
  }

  async expectWhole(seed = this.seed): Promise<void> {
    const { sectors } = this;
    const { checksum } = await this.guest.ask(`disk sum ${sectors}`, 'diskSum');
    expect(checksum).toBe(replayDiskChecksum({ sectors, seed }));
  }

  inState(state: Guest['state']): Promise<unknown> {
    const { guest } = this;
    return waitFor(`${guest.name} is ${state}`, async () => (await guest.get()).state === state, {
      seen: () => guest.get(),
    });
  }

  async stop(): Promise<void> {
    await this.fleet.api.call('guest.stop', { params: { guest: this.guest.id }, body: { force: true } });
    await this.inState('stopped');
  }

  async start(): Promise<void> {
    await this.fleet.api.call('guest.start', { params: { guest: this.guest.id } });
    await this.inState('running');
  }

  async suspend(): Promise<void> {
    await this.fleet.api.call('guest.suspend', { params: { guest: this.guest.id } });
    await this.inState('suspended');
  }

  async remove(): Promise<void> {
    if ((await this.guest.get()).state !== 'stopped') await this.stop();
    await this.fleet.api.call('guest.remove', { params: { guest: this.guest.id } });
    this.guest.record.close();
  }

  /** What is made from it has what it had then. */
  async clone(name: string, how: { readonly linked?: boolean; readonly snapshot?: string } = {}): Promise<KeptDisk> {
    const params = { guest: this.guest.id };
    await this.fleet.api.call('guest.clone', { params, body: { name, start: true, ...how } });
    return this.opened(name);
  }

  async opened(name: string): Promise<KeptDisk> {
    const made = new KeptDisk(this.fleet, await this.fleet.openGuest(name));
    made.seed = this.seed;
    return made;
  }
}

/** Each writes, and has what it wrote and nothing of the other's. */
export async function expectApart(one: KeptDisk, other: KeptDisk): Promise<void> {
  for (const each of [one, other]) await each.expectWhole();
  await one.write();
  await other.expectWhole();
  await other.write();
  for (const each of [one, other]) await each.expectWhole();
}
