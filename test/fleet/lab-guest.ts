import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { RouteResponse } from '@argosy/contracts/routes';
import type { Migration } from '@argosy/domain/entities';
import { type GuestLine, replayChecksum, replayDiskChecksum } from '@argosy/domain/guest-console';
import { ApiRefusal } from './api-client';
import type { ConsoleRecord } from './console-record';
import type { LabHost, VmmProcess } from './host';
import type { Fleet } from './lab';
import { patienceMs, waitFor } from './lab-processes';

export type GuestEvent = RouteResponse<'event.list'>['items'][number];
const diskSectors = 1024;

/** How long a guest that ticks may be silent before it is said not to run: on a busy machine, long. */
const silentMs = 1_500;

/** One guest: what the fleet says of it, what the operating system shows, and what it says of itself. */
export class LabGuest {
  constructor(
    private readonly fleet: Fleet,
    readonly id: string,
    readonly name: string,
    readonly record: ConsoleRecord,
  ) {}

  get(): Promise<Guest> {
    return this.fleet.api.call('guest.get', { params: { guest: this.id } });
  }

  async host(): Promise<LabHost> {
    return this.fleet.hostNamed((await this.get()).hostId);
  }

  /** Its VMM processes, on every host. */
  vmms(): (VmmProcess & { readonly host: LabHost })[] {
    return this.fleet.hosts.flatMap((host) =>
      host.vmms().flatMap((vmm) => (vmm.guestId === this.id ? [{ ...vmm, host }] : [])),
    );
  }

  vmmOn(host: LabHost): VmmProcess | undefined {
    return this.vmms().find((vmm) => vmm.host === host);
  }

  /**
   * The copies that execute: those processes whose guest says something on its console. (A VMM's monitor speaks with one
   * client at a time, and that is its agent.)
   */
  runningCopies(): (VmmProcess & { readonly host: LabHost })[] {
    const now = performance.now();
    return this.vmms().filter(({ folder }) => now - this.record.grownAt(folder) < silentMs);
  }

  async waitUntilAlive(): Promise<void> {
    await waitFor(
      `${this.name} lives`,
      async () => this.runningCopies().length > 0 && (await this.get()).state === 'running',
      { seen: () => this.get() },
    );
  }

  /** One process, and that one executes, where the record says. */
  async expectRunsOnce(deadlineMs = patienceMs): Promise<void> {
    const look = async (): Promise<string> => {
      const [guest, vmms, running] = [await this.get(), this.vmms(), this.runningCopies()];
      const where = guest.hostId === null ? 'nowhere' : (await this.fleet.hostNamed(guest.hostId)).name;
      const [copy] = running;
      if (guest.state === 'running' && vmms.length === 1 && copy?.host.name === where && copy.epoch === guest.epoch)
        return '';
      const said = (list: readonly { host: LabHost; epoch: number }[]): string =>
        list.map(({ host, epoch }) => `${host.name} at epoch ${epoch}`).join(', ') || 'nowhere';
      return `${this.name} is ${guest.state} (${guest.stateReason}) on ${where} at epoch ${guest.epoch}; VMMs on ${said(vmms)}; it executes on ${said(running)}`;
    };
    let last = '';
    await waitFor(`${this.name} runs exactly once`, async () => (last = await look()) === '', {
      deadlineMs,
      seen: () => last,
    });
  }

  // ---- Its own words ----

  /** Typed through the API, as an administrator would; agents that restart are waited for. */
  async say(command: string): Promise<void> {
    await waitFor(`${this.name} takes "${command}"`, async () => {
      try {
        await this.fleet.api.call('guest.console-write', {
          params: { guest: this.id },
          body: { text: `${command}\n` },
        });
        return true;
      } catch (error) {
        if (error instanceof ApiRefusal && error.status < 500 && error.status !== 409) throw error;
        return false;
      }
    });
  }

  async ask<Kind extends GuestLine['kind']>(command: string, kind: Kind): Promise<Extract<GuestLine, { kind: Kind }>> {
    const said = (): Extract<GuestLine, { kind: Kind }>[] =>
      this.record.lines().filter((line): line is Extract<GuestLine, { kind: Kind }> => line.kind === kind);
    const before = said().length;
    await this.say(command);
    return waitFor(`${this.name} answers "${command}" with ${kind}`, () => said()[before], {
      seen: () => this.record.text().slice(-300),
    });
  }

  stats(): Promise<Extract<GuestLine, { kind: 'stats' }>> {
    return this.ask('stats', 'stats');
  }

  /** Memory that can be replayed, and changes all the time; a disk that can be told from another. */
  async prepare({ areaMiB, dirtyMBps, seed }: { areaMiB: number; dirtyMBps: number; seed: number }): Promise<void> {
    await this.say('tick 100');
    await this.ask(`fill ${areaMiB} ${seed}`, 'filled');
    await this.ask(`disk fill ${diskSectors} ${seed}`, 'diskFilled');
    if (dirtyMBps > 0) await this.say(`dirty ${dirtyMBps} ${areaMiB} ${seed}`);
  }

  /** By the guest's own word against the host's replay. */
  async expectMemory({ areaMiB, seed }: { areaMiB: number; seed: number }): Promise<void> {
    const { steps, checksum } = await this.ask('sum', 'sum');
    expect({ steps, checksum }).toEqual({ steps, checksum: replayChecksum({ areaMiB, seed, steps }) });
  }

  async expectDisk({ seed }: { seed: number }): Promise<void> {
    const { checksum } = await this.ask(`disk sum ${diskSectors}`, 'diskSum');
    expect(checksum).toBe(replayDiskChecksum({ sectors: diskSectors, seed }));
  }

  // ---- Its record ----

  events(code: string, since: number): Promise<GuestEvent[]> {
    return this.fleet.events({ subject: this.id, subjectKind: 'guest', code, since });
  }

  async placements(): Promise<RouteResponse<'guest.placements'>['items']> {
    const { items } = await this.fleet.api.call('guest.placements', {
      params: { guest: this.id },
      query: { limit: 1000 },
    });
    return items.reverse();
  }

  async expectPlacementsWhole(): Promise<void> {
    const placements = await this.placements();
    const faults = placements.flatMap((placement, index) => {
      const next = placements[index + 1];
      const isOpen = placement.to === null;
      if (next === undefined) return isOpen ? [] : [`the last placement, epoch ${placement.epoch}, is closed`];
      if (isOpen) return [`epoch ${placement.epoch} is open beside ${next.epoch}`];
      return placement.to! > next.from || placement.epoch >= next.epoch
        ? [`epoch ${placement.epoch} overlaps ${next.epoch}`]
        : [];
    });
    expect(faults).toEqual([]);
  }

  async migrate(host: LabHost): Promise<Migration> {
    return this.fleet.api.call('guest.migrate', { params: { guest: this.id }, body: { host: host.name } });
  }

  async waitForEnd(migrationId: string, deadlineMs = patienceMs): Promise<Migration> {
    let last: Migration | undefined;
    return waitFor(
      `migration ${migrationId} ends`,
      async () => {
        last = await this.fleet.api.call('migration.get', { params: { id: migrationId } });
        return last.endedAt !== null && last;
      },
      { deadlineMs, seen: () => last },
    );
  }
}
