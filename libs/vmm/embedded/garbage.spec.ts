import { Garbage } from './garbage';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function watched(isMoving: () => boolean) {
  let runs = 0;
  const garbage = new Garbage(isMoving, () => runs++);
  return { garbage, runs: () => runs };
}

test('of guests that end together the garbage is collected once, a moment later', () => {
  const { garbage, runs } = watched(() => false);
  for (let guest = 0; guest < 5; guest++) garbage.collectSoon();
  expect(runs()).toBe(0);
  jest.advanceTimersByTime(10_000);
  expect(runs()).toBe(1);
  garbage.collectSoon();
  jest.advanceTimersByTime(10_000);
  expect(runs()).toBe(2);
});

test('while a guest is being moved it waits, but not for ever', () => {
  let isMoving = true;
  const { garbage, runs } = watched(() => isMoving);
  garbage.collectSoon();
  jest.advanceTimersByTime(5_000);
  expect(runs()).toBe(0);
  isMoving = false;
  jest.advanceTimersByTime(1_000);
  expect(runs()).toBe(1);
  isMoving = true;
  garbage.collectSoon();
  jest.advanceTimersByTime(60_000);
  expect(runs()).toBe(2);
});

test("V8's own collection takes what nobody has any more", async () => {
  jest.useRealTimers();
  const left = (() => new WeakRef(new Uint8Array(2 ** 20)))();
  await new Promise((resolve) => setImmediate(resolve));
  new Garbage(() => false)['run']();
  expect(left.deref()).toBeUndefined();
});
