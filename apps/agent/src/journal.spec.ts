import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from './journal';

describe('an agent’s journal', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'argosy-journal-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const mark = (number: number) => ({ kind: 'mark' as const, number });

  test('gives back the latest of each key, and not what was removed', () => {
    const path = join(folder, 'journal.jsonl');
    const journal = new Journal(path);
    journal.write({ key: 'a', value: mark(1) });
    journal.write({ key: 'b', value: mark(2) });
    journal.write({ key: 'a', value: mark(3) });
    journal.write({ key: 'b', value: null });
    expect(new Journal(path).entries()).toEqual([{ key: 'a', value: mark(3) }]);
  });

  test('forgets only the line that was being written when the process ended', () => {
    const path = join(folder, 'journal.jsonl');
    new Journal(path).write({ key: 'a', value: mark(1) });
    appendFileSync(path, '{"key":"b","val');
    expect(new Journal(path).entries()).toEqual([{ key: 'a', value: mark(1) }]);
  });

  test('stays small however often one key is written', () => {
    const path = join(folder, 'journal.jsonl');
    const journal = new Journal(path);
    for (let number = 0; number < 5_000; number++) journal.write({ key: 'a', value: mark(number) });
    expect(readFileSync(path, 'utf8').split('\n').length).toBeLessThan(2_100);
    expect(new Journal(path).entries()).toEqual([{ key: 'a', value: mark(4_999) }]);
  });
});
