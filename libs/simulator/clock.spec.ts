import { VirtualClock } from './clock';
import { createRandom } from './random';

test('events run by time, and those of one instant in the order asked for', () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.at(20, () => seen.push('c'));
  clock.at(10, () => seen.push('a'));
  clock.at(10, () => {
    seen.push('b');
    clock.after(0, () => seen.push('b2'));
  });
  clock.at(30, () => seen.push('late'));
  clock.runUntil(25);
  expect(seen).toEqual(['a', 'b', 'b2', 'c']);
  expect(clock.now).toBe(25);
});

test('a thousand random times come out sorted', () => {
  const clock = new VirtualClock();
  const random = createRandom(7);
  const seen: number[] = [];
  for (let count = 0; count < 1000; count++) clock.at(random.below(500), () => seen.push(clock.now));
  while (clock.step());
  expect(seen).toEqual([...seen].sort((one, other) => one - other));
  expect(seen).toHaveLength(1000);
});

test('a cancelled timer does not run, and a repeating one runs until then', () => {
  const clock = new VirtualClock();
  let count = 0;
  const timer = clock.every(10, () => count++);
  clock.at(5, () => (count += 100)).cancel();
  clock.at(35, () => timer.cancel());
  clock.runUntil(100);
  expect(count).toBe(3);
});

test('one seed gives one sequence', () => {
  const draw = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 5 }, () => random.below(1_000_000));
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});
