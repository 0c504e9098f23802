import { latest } from './latest';

afterEach(() => jest.useRealTimers());

test('of the steps of a slider the last is sent, and the next waits for its answer', async () => {
  jest.useFakeTimers();
  const sent: { readonly value: number; readonly answer: () => void }[] = [];
  const want = latest((value: number) => new Promise<void>((answer) => sent.push({ value, answer })), 400);
  for (const step of [2, 3, 4]) want(step);
  await jest.advanceTimersByTimeAsync(400);
  want(1);
  await jest.advanceTimersByTimeAsync(400);
  expect(sent.map(({ value }) => value)).toEqual([4]);
  sent[0]!.answer();
  await jest.advanceTimersByTimeAsync(0);
  expect(sent.map(({ value }) => value)).toEqual([4, 1]);
});

test('one that is refused does not hold up the next', async () => {
  jest.useFakeTimers();
  const sent: number[] = [];
  const want = latest((value: number) => (sent.push(value), Promise.reject(new Error('refused'))), 400);
  want(2);
  await jest.advanceTimersByTimeAsync(400);
  want(3);
  await jest.advanceTimersByTimeAsync(400);
  expect(sent).toEqual([2, 3]);
});
