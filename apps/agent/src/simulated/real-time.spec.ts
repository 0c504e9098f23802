import { FleetClock } from '@argosy/domain/fleet-clock';
import { VirtualClock } from '@argosy/simulator/clock';
import { RealTime } from './real-time';

test('a model that is behind works for the first of a crowd at its door, and not for each of them', () => {
  const model = new VirtualClock(0);
  let done = 0;
  const work = (): void => {
    const until = performance.now() + 5;
    while (performance.now() < until);
    done++;
  };
  for (let at = 1; at <= 200; at++) model.after(at, work);
  const time = new RealTime(model, new FleetClock(() => 1_000));
  for (let caller = 0; caller < 30; caller++) time.catchUp();
  expect(done).toBeGreaterThan(0);
  // A slice is 25 ms, and a caller that finds the model behind is let in at once.
  expect(done).toBeLessThan(20);
});
