import type { HostOrder } from '@argosy/domain/host-command';
import { refused } from '@argosy/domain/refusal';
import { answers, Bench, kinds, policy, prepareOf, startOf } from './test-bench';

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
