import type { Result } from '@argosy/domain/refusal';
import { parseBitbrains } from './bitbrains';
import { parsePlanetLab } from './planetlab';
import { parseRequests } from './requests';

function text(...lines: string[]): { file: string; text: string } {
  return { file: 'day.csv', text: lines.join('\n') };
}

function valueOf<Value>(result: Result<Value>): Value {
  if (!result.ok) throw new Error(result.refusal.message);
  return result.value;
}

function complaint(result: Result<unknown>): string {
  return result.ok ? 'it was read' : result.refusal.message;
}

describe('processor use by guest and step', () => {
  test('is read row by row, with or without a last newline, with either end of line', () => {
    const { names, samples, percent } = valueOf(parsePlanetLab(text('a,1,20,100\r', 'b,0,5,7', '')));
    expect([names, samples, [...percent]]).toEqual([['a', 'b'], 3, [1, 20, 100, 0, 5, 7]]);
  });

  test.each([
    [['a,1,2', 'b,1'], 'day.csv:2: expected 2 percentages, as on the first line, found 1'],
    [['a,1,2', 'b,1,2,3'], 'day.csv:2: expected 2 percentages, as on the first line, found 3'],
    [['a,1,2', '', 'b,1,101'], 'day.csv:3: expected a whole number from 0 to 100 as value 2, found "101"'],
    [['a,1,x'], 'day.csv:1: expected a whole number from 0 to 100 as value 2, found "x"'],
    [['a,1,'], 'day.csv:1: expected a whole number from 0 to 100 as value 2, found ""'],
    [['a,1,-2'], 'day.csv:1: expected a whole number from 0 to 100 as value 2, found "-2"'],
    [['a,1,2', 'a,1,2'], 'day.csv:2: expected a new name, "a" stands above'],
    [[',1,2'], "day.csv:1: expected a guest's name, found nothing"],
    [['a,1'], 'day.csv:1: expected a name and at least 2 percentages, found 1'],
    [['', ''], 'day.csv:1: expected a line of values, found an empty file'],
  ])('of %j is refused as a whole, with the line', (lines, expected) => {
    expect(complaint(parsePlanetLab(text(...lines)))).toBe(expected);
  });
});

describe('requests with lifetimes', () => {
  test('are read by the names of their columns', () => {
    expect(valueOf(parseRequests(text('vmid,mem,cpu,at,lt,zone', '7,16,4,0.0,194.5,x', '8,1,2,2,0,y')))).toEqual([
      { name: '7', cores: 4, memoryMiB: 16_384, arrivesAtSeconds: 0, lifetimeSeconds: 194.5 },
      { name: '8', cores: 2, memoryMiB: 1024, arrivesAtSeconds: 2, lifetimeSeconds: 0 },
    ]);
  });

  test.each([
    [['vmid,cpu,at,lt'], 'day.csv:1: expected a line that names the columns vmid, cpu, mem, at, lt, without mem here'],
    [['vmid,cpu,mem,at,lt'], 'day.csv:2: expected a line of values, found the end of the file'],
    [['vmid,cpu,mem,at,lt', '1,4,16,0'], 'day.csv:2: expected 5 values, found 4'],
    [['vmid,cpu,mem,at,lt', '1,0,16,0,1'], 'day.csv:2: expected cpu, a number above 0, found 0'],
    [['vmid,cpu,mem,at,lt', '1,1,16,soon,1'], 'day.csv:2: expected at, a number from 0 on, found "soon"'],
    [
      ['vmid,cpu,mem,at,lt', '1,1,16,5,1', '2,1,16,4,1'],
      'day.csv:3: expected at, a time from 5 on, since requests stand in their order, found 4',
    ],
    [['vmid,cpu,mem,at,lt', '1,1,16,5,1', '1,1,16,6,1'], 'day.csv:3: expected a new vmid, "1" stands above'],
  ])('of %j are refused as a whole, with the line', (lines, expected) => {
    expect(complaint(parseRequests(text(...lines)))).toBe(expected);
  });
});

describe('tasks and their fragments', () => {
  const tasks = text(
    'id,submission_time,duration,cpu_count,cpu_capacity,mem_capacity',
    '116,1000,600000,4,11703.9,2097152',
  );
  const fragments = (...lines: string[]) => ({
    file: 'fragments.csv',
    text: ['id,duration,cpu_mhz', ...lines].join('\n'),
  });

  test('are put together by id, and the fragments keep their order', () => {
    expect(valueOf(parseBitbrains(tasks, fragments('116,300000,0.0', '116,300000,11.704')))).toEqual([
      {
        name: '116',
        submittedAtMs: 1000,
        durationMs: 600_000,
        cores: 4,
        capacityMHz: 11703.9,
        memoryMiB: 2048,
        fragments: [
          { durationMs: 300_000, usedMHz: 0 },
          { durationMs: 300_000, usedMHz: 11.704 },
        ],
      },
    ]);
  });

  test('a fragment of a task that is not there refuses both, with its line', () => {
    expect(complaint(parseBitbrains(tasks, fragments('116,300000,1', '117,300000,1')))).toBe(
      'fragments.csv:3: expected an id of day.csv, found "117"',
    );
  });

  test('a broken task refuses both, with its line', () => {
    expect(complaint(parseBitbrains({ file: 'tasks.csv', text: `${tasks.text}\n117,0,,1,1,1` }, fragments()))).toBe(
      'tasks.csv:3: expected duration, found nothing',
    );
  });
});
