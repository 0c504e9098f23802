import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { HostCommand, HostOrder } from '@argosy/domain/host-command';
import { accepted } from '@argosy/domain/refusal';
import { createHost, stepHost } from '../host';
import type { HostEffect, HostEvent, HostState, JournalEntry } from '../host-types';
import type { VmmCommand } from '../ports/vmm-driver';
import { reportOf } from '../telling';

export const capacity = { cpuMillicores: 1000, memoryMiB: 1024 };
export const policy = {
  autoConverge: true,
  postCopy: false,
  encrypted: true,
  bandwidthMiBPerSecond: 100,
  downtimeLimitMs: 10,
  copyDeadlineMs: 60_000,
  concurrentPerHost: 2,
};

export function aGuest(guestId: string): GuestSpecification {
  const boot = {
    format: 'kernel' as const,
    firmware: 'none' as const,
    kernelPath: '/tiny.elf',
    initrdPath: null,
    kernelArguments: null,
    backingDiskPath: null,
    datastorePath: '/',
  };
  return {
    guestId,
    name: guestId,
    vcpus: 1,
    memoryMiB: 32,
    architecture: 'x86_64',
    cpuShares: 1000,
    cpuLimitMillicores: null,
    display: 'none',
    boot,
    diskPath: `/${guestId}.qcow2`,
    memoryPath: null,
    diskMade: false,
    diskMiB: 16,
    cloudInit: null,
    network: { macAddress: '02:41:0a:00:00:02', address: '10.0.0.2', prefixLength: 8, gateway: null },
  };
}

export const isolation = { response: 'power-off', isolatedAfterMs: 10_000, leaseMs: 20_000 } as const;

const hostMemoryMiB = 4096;

export function startOf(guestId: string, epoch: number): HostOrder {
  return { kind: 'guest.start', guest: aGuest(guestId), epoch, hostMemoryMiB };
}

export function prepareOf(guestId: string, epoch: number): HostOrder {
  return {
    kind: 'migration.prepare',
    migrationId: 'm',
    guest: aGuest(guestId),
    epoch,
    hostMemoryMiB,
    policy,
    disk: null,
  };
}

/** A host brain with its effects at hand: VMM calls wait to be answered, journal entries are kept as a disk would. */
export class Bench {
  readonly state: HostState = createHost();
  readonly journal = new Map<string, JournalEntry>();
  calls: { token: number; command: VmmCommand }[] = [];
  effects: HostEffect[] = [];
  now = 1_000;
  /** How far the fleet's clock has jumped: it is ahead of `now` by so much. */
  jumpedMs = 0;

  constructor(incarnation = 1, term = 1, isAwake = true) {
    if (isAwake) this.take({ kind: 'woke', journal: [], running: [] });
    this.take({
      kind: 'assigned',
      assignments: { hostId: 'h1', incarnation, term, isolation, at: 0, guests: [], migrations: [] },
    });
  }

  take(event: HostEvent): readonly HostEffect[] {
    const effects = stepHost(this.state, event, this.now + this.jumpedMs, this.jumpedMs);
    for (const effect of effects) {
      if (effect.kind === 'journal') this.journal.set(effect.entry.key, effect.entry);
      if (effect.kind === 'vmm') this.calls.push(effect);
    }
    this.effects.push(...effects);
    return effects;
  }

  order(order: HostOrder, changes: Partial<HostCommand> = {}): readonly HostEffect[] {
    const base = { commandId: 'c', hostId: 'h1', incarnation: 1, term: 1, notAfter: this.now + 5_000, order };
    return this.take({ kind: 'command', command: { ...base, ...changes } });
  }

  answer(call: VmmCommand['call'], value: unknown = null): void {
    const index = this.calls.findIndex((each) => each.command.call === call);
    if (index < 0) throw new Error(`no ${call} is under way`);
    const token = this.calls.splice(index, 1)[0]!.token;
    this.take({ kind: 'vmm-result', token, result: accepted(value) });
  }

  get guests() {
    return reportOf(this.state, this.now, { capacity, queue: 'q' }).guests.map(
      ({ guestId, epoch, state }) => `${guestId}@${epoch} ${state}`,
    );
  }

  phase(migrationId: string) {
    return this.state.migrations.get(migrationId)?.phase;
  }

  running(guestId: string, epoch: number): this {
    this.order(startOf(guestId, epoch));
    this.answer('start');
    return this;
  }

  copying(guestId: string, epoch: number): this {
    const targets = { targetEpoch: epoch + 1, targetUri: 'tcp:x', targetPeerAddress: 'h2:1' };
    this.running(guestId, epoch).order({
      kind: 'migration.start',
      migrationId: 'm',
      guestId,
      epoch,
      ...targets,
      policy,
      disk: null,
    });
    this.answer('migrateOut');
    return this;
  }

  listening(guestId: string, epoch: number): this {
    this.order(prepareOf(guestId, epoch));
    this.answer('prepareIncoming', { uri: 'tcp:here' });
    return this;
  }

  grant(requestId: string, epoch: number, typed = ''): readonly HostEffect[] {
    const request = { kind: 'grant' as const, migrationId: 'm', guestId: 'g', epoch, sourceDead: false, typed };
    return this.take({ kind: 'peer-request', requestId, request });
  }
}

export const answers = (effects: readonly HostEffect[]) =>
  effects.flatMap((each) => (each.kind === 'peer-answer' ? [each.answer.kind] : []));
export const kinds = (effects: readonly HostEffect[]) =>
  effects.map((each) => (each.kind === 'vmm' ? each.command.call : each.kind));
