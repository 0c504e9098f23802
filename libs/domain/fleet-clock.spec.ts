import { FleetClock } from './fleet-clock';

function aClock(aheadMs: number): { clock: FleetClock; pass: (ms: number) => void; right: () => number } {
  let right = 1_000_000;
  const clock = new FleetClock(() => right + aheadMs);
  return { clock, pass: (ms) => (right += ms), right: () => right };
}

function sync({ clock, pass, right }: ReturnType<typeof aClock>, thereMs: number, backMs: number): void {
  const askedAt = clock.ask();
  pass(thereMs);
  const at = right();
  pass(backMs);
  clock.hear(askedAt, at);
}

test.each([-3_600_000, -400, 400, 90_000])('a clock that is %i ms ahead is right once it has asked', (aheadMs) => {
  const each = aClock(aheadMs);
  expect(each.clock.now() - each.right()).toBe(aheadMs);
  sync(each, 3, 5);
  expect(Math.abs(each.clock.now() - each.right())).toBeLessThanOrEqual(1);
});

test('a slow answer does not make a right clock wrong', () => {
  const each = aClock(0);
  sync(each, 0, 800);
  expect(each.clock.now()).toBe(each.right());
  sync(each, 700, 0);
  expect(each.clock.now()).toBe(each.right());
});

test('a small error goes away without a jump, and time never goes back', () => {
  let aheadMs = 0;
  let right = 1_000_000;
  const clock = new FleetClock(() => right + aheadMs);
  clock.hear(clock.ask(), right);
  aheadMs = 1_000;
  clock.hear(clock.ask(), right);
  let before = clock.now();
  for (let count = 0; count < 200; count++) {
    right += 1_000;
    const now = clock.now();
    expect(now - before).toBeGreaterThanOrEqual(980);
    expect(now - before).toBeLessThanOrEqual(1_020);
    before = now;
  }
  expect(clock.now()).toBe(right);
});

test('after a sleep of its machine a clock is right at once', () => {
  const each = aClock(0);
  sync(each, 1, 1);
  let aheadMs = 0;
  const slept = new FleetClock(() => each.right() + aheadMs);
  slept.hear(slept.ask(), each.right());
  aheadMs = -7_200_000;
  slept.hear(slept.ask(), each.right());
  expect(slept.now()).toBe(each.right());
});

test('what it has jumped is told: less that, time is only what has passed', () => {
  const each = aClock(90_000);
  sync(each, 1, 1);
  each.pass(10_000);
  const passed = (): number => each.clock.now() - each.clock.jumpedMs;
  const before = passed();
  each.clock.hear(each.clock.ask(), each.right() + 30_000);
  expect(each.clock.now()).toBe(each.right() + 30_000);
  expect(passed()).toBe(before);
  each.pass(1_000);
  expect(passed()).toBe(before + 1_000);
});
