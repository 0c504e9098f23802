import { parseDuration, parseInstant, parseMillicores, parseSizeMiB, valueTypes } from './values';

test.each([
  ['500ms', 500],
  ['3s', 3000],
  ['1.5s', 1500],
  ['1h30m', 5_400_000],
  ['2min', 120_000],
  ['30', undefined],
  ['3 s', undefined],
  ['', undefined],
  ['s', undefined],
])('duration %j', (text, expected) => expect(parseDuration(text)).toBe(expected));

test.each([
  ['512', 512],
  ['512M', 512],
  ['2g', 2048],
  ['1.5GiB', 1536],
  ['0.3M', undefined],
  ['2 GB', undefined],
  ['much', undefined],
])('size %j', (text, expected) => expect(parseSizeMiB(text)).toBe(expected));

test.each([
  ['500m', 500],
  ['0.5', 500],
  ['2', 2000],
  ['two', undefined],
  ['-1', undefined],
])('processors %j', (text, expected) => expect(parseMillicores(text)).toBe(expected));

test('a ratio is a number', () => {
  expect(valueTypes.ratio.parse('1.5')).toBe(1.5);
  expect(valueTypes.ratio.parse('65')).toBeUndefined();
  expect(valueTypes.ratio.parse('-1')).toBeUndefined();
});

test('a share is a number or a percentage', () => {
  expect(valueTypes.share.parse('85%')).toBe(0.85);
  expect(valueTypes.share.parse('0.85')).toBe(0.85);
  expect(valueTypes.share.parse('85')).toBeUndefined();
});

describe('an instant', () => {
  const now = new Date(2026, 2, 10, 12, 30, 15).getTime();
  const local = (...parts: [number, number, number, number?, number?, number?]) => new Date(...parts).getTime();

  test.each([
    ['14:05', local(2026, 2, 9, 14, 5)],
    ['9:05', local(2026, 2, 10, 9, 5)],
    ['12:30:15', now],
    ['-10m', now - 600_000],
    ['-1h30m', now - 5_400_000],
    ['now', now],
    ['2026-03-01', local(2026, 2, 1)],
    ['2026-03-01 14:05', local(2026, 2, 1, 14, 5)],
    ['2026-03-01T14:05:00Z', Date.UTC(2026, 2, 1, 14, 5)],
    ['2026-03-01T14:05:00+02:00', Date.UTC(2026, 2, 1, 12, 5)],
    ['1772373900000', 1772373900000],
    ['25:00', undefined],
    ['14:65', undefined],
    ['2026-02-30', undefined],
    ['2026-13-01', undefined],
    ['-soon', undefined],
    ['yesterday', undefined],
    ['', undefined],
  ])('%j', (text, expected) => expect(parseInstant(text, now)).toBe(expected));
});
