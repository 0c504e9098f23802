import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { HostCommand, HostOrder } from '@argosy/domain/host-command';
import { accepted, refused } from '@argosy/domain/refusal';
import { createHost, stepHost } from './host';
import { reportOf } from './telling';
import type { HostEffect, HostEvent, HostState, JournalEntry } from './host-types';
import type { VmmCommand, VmmState } from './ports/vmm-driver';

const capacity = { cpuMillicores: 1000, memoryMiB: 1024 };
const policy = {
  autoConverge: true,
  postCopy: false,
  encrypted: true,
  bandwidthMiBPerSecond: 100,
  downtimeLimitMs: 10,
  copyDeadlineMs: 60_000,
  concurrentPerHost: 2,
};

function aGuest(guestId: string): GuestSpecification {
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

/** A host brain with its effects at hand: VMM calls wait to be answered, journal entries are kept as a disk would. */
const isolation = { response: 'power-off', isolatedAfterMs: 10_000, leaseMs: 20_000 } as const;

const hostMemoryMiB = 4096;

function startOf(guestId: string, epoch: number): HostOrder {
  return { kind: 'guest.start', guest: aGuest(guestId), epoch, hostMemoryMiB };
}

function prepareOf(guestId: string, epoch: number): HostOrder {
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

class Bench {
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

const answers = (effects: readonly HostEffect[]) =>
  effects.flatMap((each) => (each.kind === 'peer-answer' ? [each.answer.kind] : []));
const kinds = (effects: readonly HostEffect[]) =>
  effects.map((each) => (each.kind === 'vmm' ? each.command.call : each.kind));

describe('what a host refuses', () => {
  test.each<[string, Partial<HostCommand>, string]>([
    ['a command for another host', { hostId: 'h2' }, 'invalid-request'],
    ['a command for an earlier incarnation', { incarnation: 0 }, 'stale-incarnation'],
    ['a command of an earlier leader', { term: 0 }, 'stale-term'],
    ['a command that has expired', { notAfter: 999 }, 'expired'],
  ])('%s', (_what, changes, code) => {
    const bench = new Bench();
    bench.order(startOf('g', 1), changes);
    expect(bench.calls).toEqual([]);
    expect(bench.state.refusals.map((each) => each.refusal.code)).toEqual([code]);
  });

  test('everything, before it was given its assignments', () => {
    const state = createHost();
    const order: HostOrder = startOf('g', 1);
    const command = { commandId: 'c', hostId: 'h1', incarnation: 0, term: 1, notAfter: 9_999, order };
    const effects = stepHost(state, { kind: 'command', command }, 1_000);
    expect(kinds(effects)).toEqual(['report']);
  });

  test('an epoch that was stopped here, even from a start that comes late', () => {
    const bench = new Bench().running('g', 5);
    bench.order({ kind: 'guest.stop', guestId: 'g', epoch: 5, graceMs: 0 });
    bench.answer('stop');
    bench.order(startOf('g', 5));
    bench.order(startOf('g', 4));
    expect(bench.guests).toEqual([]);
    expect(bench.state.refusals.map((each) => each.refusal.code)).toEqual(['stale-epoch', 'stale-epoch']);
  });
});

describe('a host whose memory is promised', () => {
  const full = { hostMemoryMiB: 2 * aGuest('g').memoryMiB };

  test('starts no other guest, and says what is taken', () => {
    const bench = new Bench().running('a', 1).running('b', 1);
    bench.order({ ...startOf('g', 1), ...full });
    expect(bench.guests).toContain('g@1 failed');
    expect(bench.calls).toEqual([]);
    expect(bench.state.guests.get('g:1')?.refusal).toMatchObject({
      code: 'not-enough-memory',
      details: { takenMiB: 64 },
    });
  });

  test('takes in no other guest', () => {
    const bench = new Bench().running('a', 1).running('b', 1);
    bench.order({ ...prepareOf('g', 2), ...full });
    expect([bench.phase('m'), bench.calls]).toEqual(['destroyed', []]);
  });

  test('starts a guest anew that is there, and another one in the place of one that has ended', () => {
    const bench = new Bench().running('a', 1).running('b', 1);
    bench.order({ ...startOf('b', 2), ...full });
    expect(bench.guests).toContain('b@2 starting');
    bench.take({
      kind: 'vmm-event',
      event: { kind: 'exited', instance: { guestId: 'a', epoch: 1 }, how: 'crashed', reason: 'killed' },
    });
    bench.order({ ...startOf('g', 1), ...full });
    expect(bench.guests).toContain('g@1 starting');
  });
});

describe('starting', () => {
  test('is journalled before the VMM is asked', () => {
    const effects = new Bench().order(startOf('g', 1));
    expect(kinds(effects)).toEqual(['journal', 'start', 'report']);
  });

  test('happens once for a command that is delivered twice', () => {
    const bench = new Bench();
    bench.order(startOf('g', 1));
    bench.order(startOf('g', 1));
    expect(bench.calls).toHaveLength(1);
  });

  test('of a later epoch destroys the older copy first', () => {
    const bench = new Bench().running('g', 1);
    bench.order(startOf('g', 2));
    expect(bench.calls.map((each) => each.command.call)).toEqual(['stop']);
    bench.answer('stop');
    bench.answer('start');
    expect(bench.guests).toEqual(['g@2 running']);
  });
});

describe('the source of a migration', () => {
  test('journals that it released the guest before it grants, and does not resume for want of an answer', () => {
    const bench = new Bench().copying('g', 1);
    const effects = bench.take({
      kind: 'vmm-event',
      event: { kind: 'migration-completed', instance: { guestId: 'g', epoch: 1 }, downtimeMs: 1 },
    });
    expect(kinds(effects).slice(0, 2)).toEqual(['journal', 'peer-request']);
    const token = (effects.find((each) => each.kind === 'peer-request') as { token: number }).token;
    bench.take({ kind: 'peer-answer', token, answer: null });
    expect(bench.calls).toEqual([]);
    expect(bench.phase('m')).toBe('released');
    expect(kinds(bench.take({ kind: 'tick' }))).toEqual(['peer-request']);
  });

  test.each([
    ['granted', 'handed-over', []],
    ['destroyed', 'ran-on', ['resume']],
    ['not-ready', 'released', []],
  ] as const)('answered %s is %s', (kind, phase, calls) => {
    const bench = new Bench().copying('g', 1);
    const effects = bench.take({
      kind: 'vmm-event',
      event: { kind: 'migration-completed', instance: { guestId: 'g', epoch: 1 }, downtimeMs: 1 },
    });
    const token = (effects.find((each) => each.kind === 'peer-request') as { token: number }).token;
    bench.take({ kind: 'peer-answer', token, answer: { kind } });
    expect(bench.phase('m')).toBe(phase);
    expect(bench.calls.map((each) => each.command.call)).toEqual(calls);
  });

  test('whose VMM died asks the target whether it holds the whole guest, and cannot take it back', () => {
    const bench = new Bench().copying('g', 1);
    const effects = bench.take({
      kind: 'vmm-event',
      event: { kind: 'exited', instance: { guestId: 'g', epoch: 1 }, how: 'crashed', reason: 'killed' },
    });
    const request = effects.find((each) => each.kind === 'peer-request') as {
      token: number;
      request: { sourceDead: boolean };
    };
    expect(request.request.sourceDead).toBe(true);
    bench.take({ kind: 'peer-answer', token: request.token, answer: { kind: 'destroyed' } });
    expect(bench.phase('m')).toBe('lost');
    expect(bench.calls).toEqual([]);
    expect(bench.guests).toEqual(['g@1 crashed']);
  });

  test('gives up a copy that does not converge by its deadline, and says at what rates', () => {
    const bench = new Bench().copying('g', 1);
    bench.now += policy.copyDeadlineMs + 1;
    bench.take({ kind: 'tick' });
    bench.answer('cancelMigration', { cancelled: true });
    expect(bench.state.migrations.get('m')).toMatchObject({
      phase: 'ran-on',
      refusal: { code: 'migration-not-converging' },
    });
    expect(bench.guests).toEqual(['g@1 running']);
  });

  test('does not begin a copy whose cancel came first', () => {
    const bench = new Bench().running('g', 1);
    bench.order({ kind: 'migration.cancel', migrationId: 'm', guestId: 'g' });
    bench.order({
      kind: 'migration.start',
      migrationId: 'm',
      guestId: 'g',
      epoch: 1,
      targetEpoch: 2,
      targetUri: 'u',
      targetPeerAddress: 'p',
      policy,
      disk: null,
    });
    expect(bench.calls).toEqual([]);
    expect(bench.phase('m')).toBe('ran-on');
  });
});

describe('the target of a migration', () => {
  const complete = {
    kind: 'vmm-event',
    event: { kind: 'incoming-completed', instance: { guestId: 'g', epoch: 2 } },
  } as const;

  test('does not run without a grant, however complete it is', () => {
    const bench = new Bench().listening('g', 2);
    bench.take(complete);
    bench.take({ kind: 'tick' });
    expect(bench.calls).toEqual([]);
    expect(bench.phase('m')).toBe('awaiting-grant');
  });

  test('journals the grant, then runs, then answers', () => {
    const bench = new Bench().listening('g', 2);
    bench.take(complete);
    expect(kinds(bench.grant('r', 2))).toEqual(['journal', 'resume', 'journal', 'report', 'peer-answer']);
    expect(bench.guests).toEqual(['g@2 running']);
  });

  test('holds a grant that comes before its copy is complete', () => {
    const bench = new Bench().listening('g', 2);
    expect(answers(bench.grant('r', 2))).toEqual([]);
    expect(answers(bench.take(complete))).toEqual(['granted']);
  });

  test('answers the same however often it is asked', () => {
    const bench = new Bench().listening('g', 2);
    bench.take(complete);
    expect([...answers(bench.grant('r1', 2)), ...answers(bench.grant('r2', 2))]).toEqual(['granted', 'granted']);
    expect(bench.calls.filter((each) => each.command.call === 'resume')).toHaveLength(1);
  });

  test('that was released by the controller says destroyed ever after, and never runs', () => {
    const bench = new Bench().listening('g', 2);
    bench.order({ kind: 'migration.release', migrationId: 'm', guestId: 'g' });
    bench.answer('stop');
    expect(answers(bench.grant('r', 2))).toEqual(['destroyed']);
    bench.order(prepareOf('g', 2));
    expect(bench.calls).toEqual([]);
  });
});

describe('an agent that starts again', () => {
  function reborn(
    before: Bench,
    running: readonly { instance: { guestId: string; epoch: number }; state: VmmState }[],
  ): Bench {
    const after = new Bench(2, 1, false);
    after.take({ kind: 'woke', journal: [...before.journal.values()], running });
    return after;
  }

  test('does not take a grant that it has yet to find in its journal for one that was never given', () => {
    const before = new Bench().listening('g', 2);
    before.take({ kind: 'vmm-event', event: { kind: 'incoming-completed', instance: { guestId: 'g', epoch: 2 } } });
    before.grant('r', 2);
    const after = new Bench(2, 1, false);
    expect(answers(after.grant('early', 2))).toEqual(['not-ready']);
    const instance = { guestId: 'g', epoch: 2 };
    after.take({ kind: 'woke', journal: [...before.journal.values()], running: [{ instance, state: 'running' }] });
    expect(answers(after.grant('later', 2))).toEqual(['granted']);
    expect(after.guests).toEqual(['g@2 running']);
  });

  test.each<[VmmState, string]>([
    ['sent', 'released'],
    ['running', 'ran-on'],
    ['sending', 'copying'],
  ])('with a source that is %s finds its migration %s', (state, phase) => {
    const bench = reborn(new Bench().copying('g', 1), [{ instance: { guestId: 'g', epoch: 1 }, state }]);
    expect(bench.phase('m')).toBe(phase);
  });

  test('runs a target whose grant it had journalled and not carried out', () => {
    const before = new Bench().listening('g', 2);
    before.take({ kind: 'vmm-event', event: { kind: 'incoming-completed', instance: { guestId: 'g', epoch: 2 } } });
    before.grant('r', 2);
    const bench = reborn(before, [{ instance: { guestId: 'g', epoch: 2 }, state: 'received' }]);
    expect(bench.calls.map((each) => each.command.call)).toEqual(['resume']);
  });

  test('calls failed what is gone and never was known to run', () => {
    const before = new Bench();
    before.order(startOf('a', 1));
    expect(before.guests).toEqual(['a@1 starting']);
    expect(reborn(before, []).guests).toEqual(['a@1 failed']);
    const exit = { kind: 'exited', instance: { guestId: 'a', epoch: 1 }, how: 'crashed', reason: 'killed' } as const;
    before.take({ kind: 'vmm-event', event: exit });
    expect(before.guests).toEqual(['a@1 failed']);
  });

  test('adopts what runs and calls crashed what does not', () => {
    const before = new Bench().running('a', 1).running('b', 1);
    const bench = reborn(before, [{ instance: { guestId: 'a', epoch: 1 }, state: 'running' }]);
    expect(bench.guests.sort()).toEqual(['a@1 running', 'b@1 crashed']);
    expect(bench.calls).toEqual([]);
  });

  test('destroys a copy that was started elsewhere since', () => {
    const before = new Bench().running('a', 1);
    const bench = new Bench(2);
    bench.take({
      kind: 'woke',
      journal: [...before.journal.values()],
      running: [{ instance: { guestId: 'a', epoch: 1 }, state: 'running' }],
    });
    const assignments = {
      hostId: 'h1',
      incarnation: 3,
      term: 1,
      isolation,
      at: 0,
      guests: [{ guestId: 'a', epoch: 3 }],
      migrations: [],
    };
    bench.take({ kind: 'assigned', assignments });
    expect(bench.calls.map((each) => each.command.call)).toEqual(['stop']);
  });
});

test('a refusal of the VMM is shown with the guest that it concerns', () => {
  const bench = new Bench();
  bench.order(startOf('g', 1));
  const { token } = bench.calls[0]!;
  bench.take({ kind: 'vmm-result', token, result: refused('image-locked', 'another VMM has it') });
  expect(reportOf(bench.state, 0, { capacity, queue: 'q' }).guests[0]).toMatchObject({
    state: 'failed',
    refusal: { code: 'image-locked' },
  });
});

describe('what was typed at the source and not heard there', () => {
  const instance = { guestId: 'g', epoch: 1 };
  const sent = (bench: Bench) => {
    const event = { kind: 'migration-completed' as const, instance, downtimeMs: 1, typed: 'secret\n' };
    const effects = bench.copying('g', 1).take({ kind: 'vmm-event', event });
    return effects.find((each) => each.kind === 'peer-request')!;
  };
  const typedAtResume = (bench: Bench) =>
    bench.calls.flatMap(({ command }) => (command.call === 'resume' ? [command.typed] : []));

  test('goes along with each asking for the grant, and into no journal', () => {
    const bench = new Bench();
    const { token, request } = sent(bench);
    expect(request.typed).toBe('secret\n');
    bench.take({ kind: 'peer-answer', token, answer: null });
    const [again] = bench.take({ kind: 'tick' });
    expect(again).toMatchObject({ kind: 'peer-request', request: { typed: 'secret\n' } });
    const journal = bench.effects.filter((each) => each.kind === 'journal');
    expect(JSON.stringify(journal)).not.toContain('secret');
  });

  test('is typed at the target as it runs, once however often the grant is asked for', () => {
    const bench = new Bench().listening('g', 2);
    bench.take({ kind: 'vmm-event', event: { kind: 'incoming-completed', instance: { guestId: 'g', epoch: 2 } } });
    bench.grant('r', 2, 'secret\n');
    bench.grant('r2', 2, 'secret\n');
    expect(typedAtResume(bench)).toEqual(['secret\n']);
  });

  test('waits with a grant that comes before the copy is complete', () => {
    const bench = new Bench().listening('g', 2);
    bench.grant('r', 2, 'secret\n');
    bench.take({ kind: 'vmm-event', event: { kind: 'incoming-completed', instance: { guestId: 'g', epoch: 2 } } });
    expect(typedAtResume(bench)).toEqual(['secret\n']);
  });

  test('is typed here again when the guest runs on here', () => {
    const bench = new Bench();
    const { token } = sent(bench);
    bench.take({ kind: 'peer-answer', token, answer: { kind: 'destroyed' } });
    expect(typedAtResume(bench)).toEqual(['secret\n']);
  });
});

describe('what comes again, late', () => {
  const startAgain: HostOrder = startOf('g', 1);
  const codes = (bench: Bench) => bench.state.refusals.map((each) => each.refusal.code);
  const released = (): Bench => {
    const bench = new Bench().copying('g', 1);
    const instance = { guestId: 'g', epoch: 1 };
    bench.take({ kind: 'vmm-event', event: { kind: 'migration-completed', instance, downtimeMs: null } });
    return bench;
  };
  const answered = (bench: Bench, kind: 'granted' | 'destroyed'): Bench => {
    const asked = bench.effects.find((each) => each.kind === 'peer-request');
    bench.take({ kind: 'peer-answer', token: asked!.token, answer: { kind } });
    return bench;
  };

  test('a prepare whose migration was forgotten leaves the running copy alone', () => {
    const bench = new Bench().listening('g', 2);
    bench.take({ kind: 'vmm-event', event: { kind: 'incoming-completed', instance: { guestId: 'g', epoch: 2 } } });
    bench.grant('r', 2);
    bench.order({ kind: 'migration.release', migrationId: 'm', guestId: 'g' });
    bench.order(prepareOf('g', 2));
    expect(codes(bench)).toEqual(['stale-epoch']);
    expect(bench.guests).toEqual(['g@2 running']);
    expect(bench.state.revoked.get('g')).toBeUndefined();
  });

  test('a copy whose migration was forgotten is not begun anew', () => {
    const bench = new Bench().copying('g', 1);
    const refusal = refused('target-lost', 'gone').refusal;
    bench.take({
      kind: 'vmm-event',
      event: { kind: 'migration-failed', instance: { guestId: 'g', epoch: 1 }, refusal },
    });
    bench.order({ kind: 'migration.release', migrationId: 'm', guestId: 'g' });
    bench.calls = [];
    const targets = { targetEpoch: 2, targetUri: 'tcp:x', targetPeerAddress: 'h2:1' };
    bench.order({ kind: 'migration.start', migrationId: 'm', guestId: 'g', epoch: 1, ...targets, policy, disk: null });
    expect(codes(bench)).toEqual(['stale-epoch']);
    expect(bench.calls).toEqual([]);
  });

  test('a start of an epoch that was handed over is refused even when what was left of it has died', () => {
    const bench = answered(released(), 'granted');
    const instance = { guestId: 'g', epoch: 1 };
    bench.take({ kind: 'vmm-event', event: { kind: 'exited', instance, how: 'crashed', reason: 'killed' } });
    bench.order({ kind: 'migration.release', migrationId: 'm', guestId: 'g' });
    bench.calls = [];
    bench.order(startAgain);
    expect(codes(bench)).toEqual(['stale-epoch']);
    expect(bench.calls).toEqual([]);
  });

  test('a start that waits for what was handed over goes on when its end is told before its stop is answered', () => {
    const bench = answered(released(), 'granted');
    bench.order(startOf('g', 3));
    const instance = { guestId: 'g', epoch: 1 };
    bench.take({ kind: 'vmm-event', event: { kind: 'exited', instance, how: 'stopped', reason: 'destroyed' } });
    bench.answer('stop');
    expect(bench.calls.map((each) => each.command.call)).toEqual(['start']);
  });

  test('a target whose source says that it is dead has three seconds to be complete', () => {
    const bench = new Bench().listening('g', 2);
    const request = { kind: 'grant' as const, migrationId: 'm', guestId: 'g', epoch: 2, sourceDead: true, typed: '' };
    bench.take({ kind: 'peer-request', requestId: 'r', request });
    bench.now += 2_900;
    expect(answers(bench.take({ kind: 'tick' }))).toEqual([]);
    bench.now += 200;
    expect(answers(bench.take({ kind: 'tick' }))).toEqual(['destroyed']);
    expect(bench.phase('m')).toBe('destroyed');
    expect(bench.calls.map((each) => each.command.call)).toEqual(['stop']);
  });
});

test('a jump of the clock is no isolation, and stops no guest; being cut off is, however the clock jumped', () => {
  const bench = new Bench().running('g', 1);
  bench.jumpedMs = 30_000;
  expect(kinds(bench.take({ kind: 'tick' }))).toEqual([]);
  bench.now += 9_900;
  expect(kinds(bench.take({ kind: 'tick' }))).toEqual([]);
  bench.now += 200;
  expect(kinds(bench.take({ kind: 'tick' }))).toEqual(expect.arrayContaining(['stop', 'isolated']));
});
