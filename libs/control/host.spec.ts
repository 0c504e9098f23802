import type { HostCommand, HostOrder } from '@argosy/domain/host-command';
import { refused } from '@argosy/domain/refusal';
import { createHost, stepHost } from './host';
import { aGuest, answers, Bench, capacity, isolation, kinds, prepareOf, startOf } from './host/test-bench';
import type { VmmState } from './ports/vmm-driver';
import { reportOf } from './telling';

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

  test('knows what limits a guest was given, of a stranger says that it does not, and tells no more than it must', () => {
    const limitsOf = (bench: Bench) =>
      reportOf(bench.state, 0, { capacity, queue: 'q' }).guests.map(({ limits }) => limits);
    const limits = { cpuShares: 500, cpuLimitMillicores: 300 };
    const before = new Bench().running('a', 1);
    before.order({ kind: 'guest.limit', guestId: 'a', epoch: 1, ...limits });
    expect(limitsOf(before)).toEqual([undefined]);
    before.answer('limit');
    expect(limitsOf(before)).toEqual([limits]);
    const running = ['a', 'stranger'].map((guestId) => ({
      instance: { guestId, epoch: 1 },
      state: 'running' as const,
    }));
    const bench = reborn(before, running);
    expect(limitsOf(bench)).toEqual([limits, null]);
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

test('a jump of the clock is no isolation, and stops no guest; being cut off is, however the clock jumped', () => {
  const bench = new Bench().running('g', 1);
  bench.jumpedMs = 30_000;
  expect(kinds(bench.take({ kind: 'tick' }))).toEqual([]);
  bench.now += 9_900;
  expect(kinds(bench.take({ kind: 'tick' }))).toEqual([]);
  bench.now += 200;
  expect(kinds(bench.take({ kind: 'tick' }))).toEqual(expect.arrayContaining(['stop', 'isolated']));
});
