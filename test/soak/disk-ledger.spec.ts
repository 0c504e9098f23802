import { type DiskPiece, replayDiskPieces } from '@argosy/domain/guest-console';
import { contentOf, WrongContent } from './disk-content';
import { type Course, DiskLedger, guesses, seedsAt } from './disk-ledger';

const boot = 3;
const prepared = { seed: 7, sectors: 1_024, isKnown: true };
const sure = { hasFailed: false };

function aLedger(): DiskLedger {
  return new DiskLedger(100, { writes: [prepared], boot });
}

const only = (ledger: DiskLedger): Course => {
  const [course, ...others] = ledger.possible(sure);
  expect(others).toEqual([]);
  return course!;
};

/** What a look at a disk says that holds these. */
async function looked(course: Course, pieces: readonly DiskPiece[]): Promise<readonly DiskPiece[] | string> {
  const asked: number[] = [];
  const sumOf = async (sectors: number): Promise<string> => {
    asked.push(sectors);
    const from = pieces.findIndex(({ to }) => to >= sectors);
    return replayDiskPieces([...pieces.slice(0, from), { to: sectors, seed: pieces[from]!.seed }]);
  };
  return contentOf(course, sumOf).catch((error: unknown) => {
    if (error instanceof WrongContent) return error.message;
    throw error;
  });
}

describe('what was written', () => {
  it('is there once the guest has said so, and what was there before is not', async () => {
    const ledger = aLedger();
    const { seed, sectors } = ledger.nextWrite();
    ledger.isDurable(sectors);
    expect(seedsAt(only(ledger), 0)).toEqual([seed]);
    expect(await looked(only(ledger), [{ to: sectors, seed }])).toEqual(guesses(only(ledger)).whole);
    expect(await looked(only(ledger), [{ to: sectors, seed: prepared.seed }])).toContain('sector 0 holds nothing of');
  });

  it('may be there in part until then', async () => {
    const ledger = aLedger();
    const { seed, sectors } = ledger.nextWrite();
    for (const cut of [1, 511, 1_000])
      expect(
        await looked(only(ledger), [
          { to: cut, seed },
          { to: 1_024, seed: prepared.seed },
          { to: sectors, seed },
        ]),
      ).toEqual([
        { to: cut, seed },
        { to: 1_024, seed: prepared.seed },
        { to: sectors, seed },
      ]);
  });

  it('may have been cut off where nothing was before', async () => {
    const ledger = aLedger();
    const { seed, sectors } = ledger.nextWrite();
    const pieces = [
      { to: 1_500, seed },
      { to: sectors, seed: null },
    ];
    expect(await looked(only(ledger), pieces)).toEqual([{ to: 1_024, seed }, ...pieces]);
    const untouched = [
      { to: 1_024, seed: prepared.seed },
      { to: sectors, seed: null },
    ];
    expect(await looked(only(ledger), untouched)).toEqual(untouched);
  });

  it('may not be lost beyond a shorter one that came later', () => {
    const ledger = aLedger();
    const [, longer, shorter] = [ledger.nextWrite(), ledger.nextWrite(), ledger.nextWrite()];
    expect(longer.sectors).toBeGreaterThan(shorter.sectors);
    for (const { sectors } of [longer, shorter]) ledger.isDurable(sectors);
    expect(seedsAt(only(ledger), shorter.sectors)).toEqual([longer.seed]);
  });
});

describe('a snapshot', () => {
  it('has what was written before, and may have what was written until it was taken', () => {
    const ledger = aLedger();
    const before = ledger.nextWrite();
    ledger.isDurable(before.sectors);
    ledger.copy('one');
    const meanwhile = ledger.nextWrite();
    ledger.isDurable(meanwhile.sectors);
    ledger.isTaken('one');
    ledger.isDurable(ledger.nextWrite().sectors);
    ledger.goesBack('one', { isSure: true });
    expect(seedsAt(only(ledger), 0)).toEqual([before.seed, meanwhile.seed]);
  });

  it('is not what the disk holds where going back to it is said to have failed, and may be where nobody answered', () => {
    const ledger = aLedger();
    ledger.copy('one');
    ledger.isTaken('one');
    ledger.nextWrite();
    ledger.goesBack('one', { isSure: true });
    expect(ledger.possible({ hasFailed: true })).toHaveLength(2);
    ledger.goesBack('one', { isSure: false });
    expect(ledger.possible(sure)).toHaveLength(2);
  });
});

describe('a boot', () => {
  it('counts on', () => {
    const ledger = aLedger();
    ledger.booted(boot + 1);
    ledger.booted(boot + 3);
    expect(ledger.faults).toEqual([]);
  });

  it('with a number that was there before is that of an older disk', () => {
    const ledger = aLedger();
    ledger.booted(boot + 1);
    ledger.booted(boot + 1);
    expect(ledger.faults).toEqual([`its disk counted boot ${boot + 1} after boot ${boot + 1}`]);
  });

  it('may come again after going back, and tells whether the guest has', () => {
    const ledger = aLedger();
    ledger.copy('one');
    ledger.booted(boot + 1);
    ledger.goesBack('one', { isSure: false });
    ledger.booted(boot + 1);
    expect(ledger.faults).toEqual([]);
    expect(only(ledger).writes).toEqual([prepared]);
  });
});

test('what a look has found is what the next one expects', async () => {
  const ledger = aLedger();
  const { seed, sectors } = ledger.nextWrite();
  const pieces = [
    { to: 300, seed },
    { to: 1_024, seed: prepared.seed },
  ];
  ledger.holds(pieces, boot);
  expect(guesses(only(ledger)).known).toEqual(pieces);
  ledger.isDurable(sectors);
  expect(await looked(only(ledger), pieces)).toEqual(pieces);
});
