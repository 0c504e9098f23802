import { hostKeyOf, sign } from '@argosy/contracts/host-key';
import { hostCommandSchema } from '@argosy/contracts/jobs';
import { createHost, stepHost } from '@argosy/control/host';
import type { HostCommand } from '@argosy/domain/host-command';
import { refusalCodes, refused } from '@argosy/domain/refusal';
import { commandOf } from '@argosy/queue/work-commands';
import { UnrecoverableError } from 'bullmq';
import * as fc from 'fast-check';
import { z } from 'zod';
import { fuzzSeed } from '../controller/fuzz-edge';
import { attemptsAt, hostileValue, valueOf } from '../controller/hostile-json';

// What an agent does with any job: it carries a command out or refuses it with a code, and whatever is none fails for good.

const seed = fuzzSeed();
const key = hostKeyOf('secret of the fleet', 'h1');
const keyOf = (hostId: string) => (hostId === 'h1' ? key : null);

function outcomeOf(name: string, data: unknown): HostCommand | null {
  try {
    return commandOf({ id: '1', name, data }, keyOf);
  } catch (error) {
    expect(error).toBeInstanceOf(UnrecoverableError);
    return null;
  }
}

test('a job that is none fails for good, whatever its name and data are', () => {
  const name = fc.constantFrom('host.command', 'host.explode', '__proto__', 'constructor', 'toString', '');
  const data = fc.oneof(hostileValue, fc.record({ text: hostileValue, signature: hostileValue }));
  fc.assert(
    fc.property(name, data, (each, said) => expect(outcomeOf(each, said)).toBeNull()),
    { seed, numRuns: 300 },
  );
});

test('what its host’s key signs is a command as the contract has it, or fails for good', () => {
  fc.assert(
    fc.property(attemptsAt(hostCommandSchema), (command) => {
      const ours = typeof command === 'object' && command !== null ? { ...command, hostId: 'h1' } : command;
      const text = JSON.stringify(ours);
      const known = outcomeOf('host.command', { text, signature: sign(key, 'command', text) });
      expect(known === null || hostCommandSchema.safeParse(known).success).toBe(true);
    }),
    { seed, numRuns: 300 },
  );
});

const header = { hostId: 'h1', incarnation: 1, term: 1, notAfter: 1e12 };
const isolation = { response: 'power-off', isolatedAfterMs: 10_000, leaseMs: 20_000 } as const;
const good = valueOf(z.toJSONSchema(hostCommandSchema, { io: 'input', unrepresentable: 'any' }));
const command = good.filter((each) => hostCommandSchema.safeParse(each).success).map((each) => each as HostCommand);

test('any commands, one after the other, are carried out or refused with a code, and end no agent', () => {
  const answered = fc.record({ command, isOurs: fc.boolean(), isAnswered: fc.boolean() });
  fc.assert(
    fc.property(fc.array(answered, { minLength: 1, maxLength: 12 }), (run) => {
      const state = createHost();
      stepHost(state, { kind: 'woke', journal: [], running: [] }, 1);
      const assignments = { ...header, isolation, at: 0, guests: [], migrations: [] };
      stepHost(state, { kind: 'assigned', assignments }, 1);
      for (const [index, each] of run.entries()) {
        const now = 10 * (index + 1);
        const ordered = { ...each.command, ...(each.isOurs ? header : {}), commandId: `c${index}` };
        const effects = stepHost(state, { kind: 'command', command: ordered }, now);
        for (const effect of effects)
          if (effect.kind === 'vmm' && each.isAnswered)
            stepHost(state, { kind: 'vmm-result', token: effect.token, result: refused('vmm-failed', 'no') }, now);
        stepHost(state, { kind: 'tick' }, now + 5);
      }
      for (const { refusal } of state.refusals) expect(refusalCodes).toContain(refusal.code);
    }),
    { seed, numRuns: 300 },
  );
});
