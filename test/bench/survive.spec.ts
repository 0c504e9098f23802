import { atMost, longest, quantile } from '../../bench/figures.mjs';
import { figureOf } from '../../bench/lab/host-loss.mjs';
import { figuresOf } from '../../bench/survive/controller-loss.mjs';

const settled = { begun: 10, awayMs: 900, settledMs: 4_000, lost: 0 };
const figure = (outcomes: Parameters<typeof figuresOf>[0], name: string) =>
  figuresOf(outcomes).find((each) => each.name === `controller-loss.${name}`)!;

describe('the loss of the controller', () => {
  it('is judged by the run that took longest', () => {
    const outcomes = [settled, settled, { ...settled, settledMs: 10_001 }];
    expect(figure(outcomes, 'settled')).toMatchObject({ value: 10_001, met: false });
    expect(figure([settled], 'settled').met).toBe(true);
  });

  it('is missed where one run did not settle', () => {
    for (const outcomes of [[{ ...settled, settledMs: null }, settled, settled], [{ ...settled, settledMs: null }]])
      expect(figure(outcomes, 'settled')).toMatchObject({ value: null, met: false });
  });

  it('is missed where it came upon fewer than ten migrations, or where a guest was lost', () => {
    expect(figure([settled, { ...settled, begun: 9 }], 'under-way').met).toBe(false);
    expect(figure([settled, { ...settled, lost: 1 }], 'guests-lost').met).toBe(false);
  });
});

test('the loss of a host is detected as late as in the worst of its drills', () => {
  const phases = [1_700, 2_700].map((measuredMs) => [
    { name: 'detect', predictedMs: null, measuredMs, objectiveMs: null, met: null },
  ]);
  const drills = phases.map((each) => ({ phases: each, outages: [] })) as unknown as Parameters<typeof figureOf>[0];
  const detected = { name: 'detected', phase: 'detect', target: 2_500 };
  expect(figureOf(drills, { ...detected, judged: 'longest' })).toMatchObject({ value: 2_700, met: false });
  expect(figureOf(drills, detected)).toMatchObject({ value: 2_200, met: true });
});

test('what was not measured is no value', () => {
  expect(() => quantile([1, NaN, 3], 0.5)).toThrow('not measured');
  expect(longest([1, null])).toBeNull();
  expect(longest([])).toBeNull();
  expect(atMost({ name: '', value: null, unit: '', reference: null, target: null, remark: '' }).met).toBe(false);
});
