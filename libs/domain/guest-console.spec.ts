import * as fc from 'fast-check';
import { GuestLineSplitter, parseGuestLine, replayChecksum, replayDiskChecksum } from './guest-console';

describe('a line of a guest', () => {
  it.each([
    ['ready v1 memory=32768 boot=3', { kind: 'ready', memoryKiB: 32768, boot: 3 }],
    ['hb 17 4096', { kind: 'heartbeat', count: 17, work: 4096 }],
    ['filled 16 7', { kind: 'filled', areaMiB: 16, seed: 7 }],
    ['sum 12 00c0ffee', { kind: 'sum', steps: 12, checksum: '00c0ffee' }],
    ['pong are you there', { kind: 'pong', token: 'are you there' }],
    ['work 99', { kind: 'work', work: 99 }],
    ['disk filled 100', { kind: 'diskFilled', sectors: 100 }],
    ['disk sum c6a3455e', { kind: 'diskSum', checksum: 'c6a3455e' }],
    ['error tick <ms 0..60000>', { kind: 'error', expected: 'tick <ms 0..60000>' }],
  ])('%s', (line, meaning) => {
    expect(parseGuestLine(line)).toEqual(meaning);
    expect(parseGuestLine(`${line}\r`)).toEqual(meaning);
  });

  it('tells all counters by name', () => {
    const line = 'stats count=1 work=2 steps=3 dirtied=12 boot=4 tick=250 load=5 rate=6 area=7 seed=8';
    expect(parseGuestLine(line)).toEqual({
      kind: 'stats',
      count: 1,
      work: 2,
      steps: 3,
      dirtiedKiB: 12,
      boot: 4,
      tickMs: 250,
      loadPermille: 5,
      dirtyMBps: 6,
      areaMiB: 7,
      seed: 8,
    });
  });

  it.each([
    '',
    `hb 1${'0'.repeat(15)} 1`,
    `hb 1 ${'9'.repeat(400)}`,
    'hb 17',
    'hb 17 x',
    'b 17 4096',
    'sum 1 c0ffee',
    'ready v2 memory=1 boot=1',
    '[    0.5] Linux',
  ])('is not: %j', (line) => expect(parseGuestLine(line)).toBeUndefined());
});

describe('splitting into lines', () => {
  it('joins chunks that end anywhere', () => {
    const splitter = new GuestLineSplitter();
    expect(splitter.push('hb 1')).toEqual([]);
    expect(splitter.push('2 3\r')).toEqual([]);
    expect(splitter.push('\nhb 13 3\r\nhb')).toEqual(['hb 12 3', 'hb 13 3']);
    expect(splitter.push(' 14 3\n')).toEqual(['hb 14 3']);
  });

  it('joins a line that a migration cut in two', () => {
    const source = new GuestLineSplitter();
    expect(source.push('hb 12 3\r\nhb 1')).toEqual(['hb 12 3']);
    expect(new GuestLineSplitter(source.unfinished).push('3 3\r\n')).toEqual(['hb 13 3']);
  });

  it('keeps no endless line', () => {
    const splitter = new GuestLineSplitter();
    expect(splitter.push('x'.repeat(5000))).toHaveLength(1);
    expect(splitter.push('hb 1 0\n')).toEqual(['hb 1 0']);
  });
});

describe('the replay', () => {
  // These figures came from the guest itself; test/guests/ compares with a live one.
  it('gives what the guest gave', () => {
    expect(replayChecksum({ areaMiB: 4, seed: 7, steps: 0 })).toBe('2e575e37');
    expect(replayChecksum({ areaMiB: 16, seed: 7, steps: 0 })).toBe('a137313b');
    expect(replayDiskChecksum({ sectors: 100, seed: 5 })).toBe('c6a3455e');
    expect(replayDiskChecksum({ sectors: 1000, seed: 5 })).toBe('80e56c1d');
  });

  it('shows every step', () => {
    const sums = [0, 1, 2, 3].map((steps) => replayChecksum({ areaMiB: 1, seed: 1, steps }));
    expect(new Set(sums).size).toBe(4);
  });

  it('takes seeds of the whole 32 bits', () => {
    expect(replayChecksum({ areaMiB: 1, seed: 0xffffffff, steps: 5 })).toMatch(/^[0-9a-f]{8}$/);
  });
});

describe('whatever a guest says on its console', () => {
  const numbers = fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 400n }).map(String), fc.string({ maxLength: 20 }));
  const words = fc.constantFrom(
    'hb',
    'pong',
    'work',
    'sum',
    'filled',
    'stats count=',
    'disk',
    'ready v1 memory=',
    '\r',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.tuple(words, numbers, numbers).map((parts) => `${parts.join(' ')}\n`),
    fc.constantFrom('\n', '\r\n', 'x'.repeat(5_000), 'hb 1 2\n', '\0', '\uD800'),
  );

  it('is lines of a bounded length, and its numbers are such as a report can hold', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), (chunks) => {
        const splitter = new GuestLineSplitter();
        for (const chunk of chunks)
          for (const line of splitter.push(chunk)) {
            const said = parseGuestLine(line);
            for (const value of Object.values(said ?? {}))
              if (typeof value === 'number') expect(Number.isSafeInteger(value)).toBe(true);
            expect(splitter.unfinished.length).toBeLessThan(4_096);
          }
      }),
      { numRuns: 300 },
    );
  });

  it('is the same lines wherever its chunks end', () => {
    const cuts = fc.array(fc.nat(60), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.constantFrom('hb 1 2\n', 'é\r\n', '\n', 'abc'), { maxLength: 15 }), cuts, (said, at) => {
        const whole = said.join('');
        const splitter = new GuestLineSplitter();
        const ends = [0, ...[...at].sort((left, right) => left - right), whole.length];
        const lines = ends.slice(1).flatMap((end, index) => splitter.push(whole.slice(ends[index], end)));
        expect([...lines, splitter.unfinished]).toEqual(
          whole.split('\n').map((line, index, all) => (index < all.length - 1 ? line.replace(/\r$/, '') : line)),
        );
      }),
      { numRuns: 300 },
    );
  });
});
