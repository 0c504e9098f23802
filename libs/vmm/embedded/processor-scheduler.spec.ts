import { Heap } from './heap';
import { ProcessorScheduler, ScheduledTask } from './processor-scheduler';

test('a heap gives what was put in, the smallest first', () => {
  const heap = new Heap<number>();
  const keys = Array.from({ length: 200 }, (_, index) => (index * 7919) % 211);
  for (const key of keys) heap.push(key, key);
  const out = keys.map(() => heap.pop()!);
  expect(out).toEqual([...keys].sort((one, other) => one - other));
  expect([heap.pop(), heap.size, heap.firstKey]).toEqual([undefined, 0, Infinity]);
});

/** Each runs whenever it may, a millisecond at a time. */
function runAll(scheduler: ProcessorScheduler<ScheduledTask>, durationMs: number): void {
  for (let now = 0; now < durationMs;) {
    const task = scheduler.next(now);
    if (!task) {
      now = Math.max(now + 0.1, Math.min(durationMs, scheduler.nextAt(now)));
      continue;
    }
    now += 1;
    scheduler.account(task, 1);
    scheduler.again(task, now);
  }
}

function tasks(millicores: number, shares: readonly { cpuShares: number; cpuLimitMillicores: number | null }[]) {
  const scheduler = new ProcessorScheduler<ScheduledTask>(millicores, 0);
  const made = shares.map((share) => {
    const task = new ScheduledTask();
    scheduler.setShare(task, share, 0);
    scheduler.wake(task, 0);
    return task;
  });
  return { scheduler, made };
}

const free = { cpuShares: 1000, cpuLimitMillicores: null };

test('busy guests have the processor by their shares', () => {
  const { scheduler, made } = tasks(1000, [free, { ...free, cpuShares: 3000 }]);
  runAll(scheduler, 4000);
  expect(made.map(({ usedMs }) => usedMs / 1000)).toEqual([expect.closeTo(1, 1), expect.closeTo(3, 1)]);
});

test('a limited guest uses no more than that, others have the rest, and what it did not get it has waited for', () => {
  const { scheduler, made } = tasks(1000, [{ ...free, cpuLimitMillicores: 200 }, free]);
  runAll(scheduler, 5000);
  expect(made.map(({ usedMs }) => usedMs / 1000)).toEqual([expect.closeTo(1, 1), expect.closeTo(4, 1)]);
  expect(made[0]!.waitedMs(5000) / 1000).toBeCloseTo(4, 1);
});

test('all together use no more than the host has', () => {
  const { scheduler, made } = tasks(500, [free, free]);
  runAll(scheduler, 4000);
  expect(made.map(({ usedMs }) => usedMs / 1000)).toEqual([expect.closeTo(1, 1), expect.closeTo(1, 1)]);
});

test('one that slept has a claim to a moment of what it did not use, and not to all of it', () => {
  const { scheduler, made } = tasks(1000, [free, free]);
  const [one, other] = made as [ScheduledTask, ScheduledTask];
  scheduler.stop(other, 0);
  runAll(scheduler, 1000);
  scheduler.wake(other, 1000);
  const used = one.usedMs;
  for (let now = 1000; now < 1100; now++) {
    const task = scheduler.next(now)!;
    scheduler.account(task, 1);
    scheduler.again(task, now + 1);
  }
  expect(one.usedMs - used).toBe(40);
});

test('one that sleeps between short bursts has all it asks for beside one that never does', () => {
  const { scheduler, made } = tasks(1000, [free, free]);
  const [busy, bursting] = made as [ScheduledTask, ScheduledTask];
  let waitedMs = 0;
  for (let [now, end] = [0, 4]; now < 1000;) {
    const task = scheduler.next(now)!;
    scheduler.account(task, 1);
    now += 1;
    if (task === bursting && bursting.usedMs % 4 === 0) {
      waitedMs += now - end;
      end = Math.floor(now / 10) * 10 + 14;
      scheduler.sleep(task, end - 4, now);
    } else scheduler.again(task, now);
  }
  expect([bursting.usedMs, busy.usedMs]).toEqual([400, 600]);
  // The first time it had not slept.
  expect(waitedMs / 100).toBeLessThan(0.1);
});

test('who sleeps is woken at its time and not before, and once by what comes earlier', () => {
  const scheduler = new ProcessorScheduler<ScheduledTask>(1000, 0);
  const task = new ScheduledTask();
  scheduler.setShare(task, free, 0);
  scheduler.sleep(task, 100, 0);
  expect([scheduler.next(40), scheduler.nextAt(40)]).toEqual([undefined, 100]);
  scheduler.wake(task, 50);
  expect(scheduler.next(50)).toBe(task);
  scheduler.sleep(task, Infinity, 51);
  expect([scheduler.next(200), scheduler.nextAt(200)]).toEqual([undefined, Infinity]);
  scheduler.stop(task, 200);
  scheduler.sleep(task, 300, 200);
  scheduler.stop(task, 250);
  expect(scheduler.next(400)).toBeUndefined();
});

test('a sleeper is to be woken on time where it would run at once, and not where it would wait all the same', () => {
  const { scheduler, made } = tasks(500, [free, free]);
  const [sleeper, other] = made as [ScheduledTask, ScheduledTask];
  scheduler.stop(other, 0);
  scheduler.sleep(sleeper, 20, 0);
  expect(scheduler.next(0)).toBeUndefined();
  expect(scheduler.sleeperAt(0)).toBe(20);
  scheduler.wake(other, 1);
  expect(scheduler.sleeperAt(1)).toBe(Infinity);
  expect(scheduler.next(1)).toBe(other);
  scheduler.account(other, 18);
  scheduler.stop(other, 13);
  expect(scheduler.sleeperAt(13)).toBe(Infinity);
  expect(scheduler.sleeperAt(19)).toBe(20);
});
