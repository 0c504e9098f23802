import { appended, forTerminal } from './console-text';
import { cut, tableLines, textWidth } from './table';
import { age, bytes, clock, cpu, memory, shortId } from './units';
import { toYaml } from './yaml';

describe('tables', () => {
  const rows = [
    [{ text: 'web' }, { text: '12' }, { text: 'running', colour: 'green' as const }],
    [{ text: 'a-long-name' }, { text: '3' }, { text: '' }],
  ];
  const titles = ['NAME', 'CPU', 'STATE'];

  test('columns line up, and no line ends in spaces', () => {
    expect(tableLines(rows, { titles, right: [false, true, false] })).toEqual([
      'NAME         CPU  STATE',
      'web           12  running',
      'a-long-name    3',
    ]);
  });

  test('colour does not shift columns', () => {
    const [, web] = tableLines(rows, { titles, useColour: true });
    expect(web).toBe('web          12   \x1b[32mrunning\x1b[0m');
  });

  test('a table that goes on keeps the widths of its beginning', () => {
    expect(tableLines([rows[0] ?? []], { titles, headers: false, widths: [11, 3, 5] })).toEqual([
      'web          12   running',
    ]);
  });

  test('wide characters take two columns', () => {
    expect(textWidth('東京 ok')).toBe(7);
    expect(cut('東京東京', 5)).toBe('東京…');
    expect(cut('short', 5)).toBe('short');
  });
});

test('units for people', () => {
  expect([0, 59_000, 119_000, 120_000, 3_600_000, 18_600_000, 90_000_000, 400_000_000].map(age)).toEqual([
    '0s',
    '59s',
    '119s',
    '2m',
    '1h',
    '5h10m',
    '25h',
    '4d15h',
  ]);
  expect([512, 1024, 1536, 3 * 1024 * 1024].map(memory)).toEqual(['512 MiB', '1 GiB', '1.5 GiB', '3 TiB']);
  expect([0, 320, 1000, 1500].map(cpu)).toEqual(['0m', '320m', '1', '1.5']);
  expect([0, 512, 1536, 5e8].map(bytes)).toEqual(['0 B', '512 B', '1.5 KiB', '476.8 MiB']);
  expect(shortId('3f2b91c0-1111-4111-8111-111111111111')).toBe('3f2b91c0');
  expect(shortId('guest.start:web')).toBe('guest.start:web');
  const noon = new Date(2026, 2, 1, 12, 0, 0).getTime();
  expect(clock(noon, noon + 1000)).toBe('12:00:00');
  expect(clock(noon, noon + 86_400_000)).toBe('2026-03-01 12:00:00');
});

describe('YAML', () => {
  test('objects, lists, and lists in lists', () => {
    const value = {
      name: 'web',
      empty: [],
      none: null,
      nested: { list: [1, { a: 'b', c: {} }, ['x', ['z']]] },
      left: undefined,
    };
    expect(toYaml(value)).toBe(
      [
        'name: web',
        'empty: []',
        'none: null',
        'nested:',
        '  list:',
        '    - 1',
        '    - a: b',
        '      c: {}',
        '    - - x',
        '      - - z',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['plain text', 'plain text'],
    ['/store/images/a.elf', '/store/images/a.elf'],
    ['', '""'],
    ['yes', '"yes"'],
    ['null', '"null"'],
    ['12', '"12"'],
    ['0x1f', '"0x1f"'],
    ['1e3', '"1e3"'],
    ['2026-03-01', '"2026-03-01"'],
    ['a: b', '"a: b"'],
    ['ends:', '"ends:"'],
    ['a #b', '"a #b"'],
    ['- x', '"- x"'],
    ['two\nlines', '"two\\nlines"'],
    ['{x}', '"{x}"'],
    ['trailing ', '"trailing "'],
    ['\u2028', '"\\u2028"'],
  ])('%j', (text, expected) => expect(toYaml(text)).toBe(`${expected}\n`));
});

describe("a guest's console", () => {
  test.each([
    ['', 'hb 1\n', 'hb 1\n'],
    ['hb 1\n', 'hb 1\nhb 2\n', 'hb 2\n'],
    ['hb 1\nhb 2\n', 'hb 2\nhb 3\n', 'hb 3\n'],
    ['aaaa', 'aaaaaa', 'aa'],
    ['old', 'all new', 'all new'],
    ['x€hb 1\n', '\ufffd\ufffdhb 1\nhb 2\n', 'hb 2\n'],
    ['same', 'same', ''],
  ])('%j then %j', (before, now, expected) => expect(appended(before, now)).toBe(expected));

  test('it cannot take the terminal over', () => {
    expect(forTerminal('\x1b[31mred\x1b[0m\r\n\tok')).toBe('\x1b[31mred\x1b[0m\r\n\tok');
    expect(forTerminal('a\x1b[2Jb\x1b]0;title\x07c\x1bcd\x9b5ne\x07')).toBe('abcd5ne');
  });
});
