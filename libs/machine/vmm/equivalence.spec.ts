import { createRandom } from '@argosy/simulator/random';
import { randomProgram } from '../random-program';
import { variants, type VariantName } from '../variants';
import { differencesOf, programOf, runProgram } from './equivalence';
import type { MonitorKind } from './virtual-machine';

const instructions = 2000;

function differencesAt(seed: number, depth: number, name: VariantName = 'virtualizable', kind: MonitorKind = 'direct') {
  const program = randomProgram(createRandom(seed));
  const options = { variant: variants[name], instructions, kind };
  const bare = runProgram(program, { ...options, depth: 0 });
  return differencesOf(bare, runProgram(program, { ...options, depth }));
}

test.each([1, 2, 3, 4])(
  '40 random programs do at depth %i what they do on the bare machine, to the instruction',
  (depth) => {
    for (let seed = depth * 1000; seed < depth * 1000 + 40; seed++)
      expect([seed, ...differencesAt(seed, depth)]).toEqual([seed]);
  },
);

test.each([1, 2, 3])(
  'under hybrid monitors 40 random programs of the hybrid variant are the same at depth %i',
  (depth) => {
    for (let seed = depth * 5000; seed < depth * 5000 + 40; seed++)
      expect([seed, ...differencesAt(seed, depth, 'hybrid', 'hybrid')]).toEqual([seed]);
  },
);

test('a hybrid monitor serves the virtualizable variant as well', () => {
  for (let seed = 9000; seed < 9020; seed++)
    expect([seed, ...differencesAt(seed, 1, 'virtualizable', 'hybrid')]).toEqual([seed]);
});

describe('what theorem 1 says of the other variants is so', () => {
  const differences = (name: VariantName, kind: MonitorKind, text: string) => {
    const options = { variant: variants[name], instructions: 100, kind };
    const program = programOf(text);
    return differencesOf(runProgram(program, { ...options, depth: 0 }), runProgram(program, { ...options, depth: 1 }));
  };

  test('a guest that enters user mode by jrum can still switch the machine off, unless a hybrid monitor sees it', () => {
    const text = 'la ra, there\n li t0, 1\n jrum ra\n there: csrw mpower, t0\n loop: j loop';
    expect(differences('hybrid', 'direct', text)).toContain('stop: limit and off');
    expect(differences('hybrid', 'hybrid', text)).toEqual([]);
  });

  test('a guest of the IA-32-like variant sees where its memory really lies, under either monitor', () => {
    const inUserMode = 'la t0, there\n csrw mepc, t0\n mret\n there: csrr a0, mbase\n loop: j loop';
    expect(differences('unprivileged-reads', 'direct', inUserMode)).toEqual(['x10: 0x00000000 and 0x00001000']);
    expect(differences('unprivileged-reads', 'hybrid', inUserMode)).toEqual(['x10: 0x00000000 and 0x00001000']);
  });

  test('its writes to mstatus are lost where the guest is in machine mode, but for a hybrid monitor', () => {
    const text = 'csrrwi zero, mstatus, 8\n csrr a0, mcause\n loop: j loop';
    expect(differences('unprivileged-reads', 'direct', text)).toEqual(['status: 0x00000008 and 0x00000000']);
    expect(differences('unprivileged-reads', 'hybrid', text)).toEqual([]);
  });
});
