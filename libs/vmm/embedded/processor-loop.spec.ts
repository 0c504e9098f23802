import { awakening } from './processor-loop';

test('guests that sleep long are woken together, a little late and never early, and those that sleep shortly on time', () => {
  const now = 1000.25;
  expect(awakening(now + 2, now)).toBe(now + 2);
  expect(awakening(Infinity, now)).toBe(Infinity);
  const timers = Array.from({ length: 500 }, (_, index) => now + 250 + index / 2);
  const late = timers.map((timer) => awakening(timer, now) - timer);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThan(16);
  expect(new Set(timers.map((timer) => awakening(timer, now))).size).toBeLessThanOrEqual(17);
  for (let sleepMs = 50; sleepMs < 200; sleepMs += 7)
    expect(awakening(now + sleepMs, now) - now).toBeLessThanOrEqual(sleepMs * (1 + 1 / 12));
});
