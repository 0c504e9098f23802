import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryStock } from './memory-stock';

const bytes = 2 ** 20 + 4_096;
const left = jest.fn();
const cleared = () => sleep(50);

test("a guest's memory is another's after it, and there is nothing of the first in it", async () => {
  const stock = new MemoryStock(left);
  const memory = stock.take(bytes);
  new Uint8Array(memory.buffer).fill(7);
  stock.giveBack(memory);
  await cleared();
  const again = stock.take(bytes);
  expect(again).toBe(memory);
  expect(new Uint8Array(again.buffer).every((byte) => byte === 0)).toBe(true);
});

test('what the first guest left behind sees nothing of the second, and changes nothing', async () => {
  const stock = new MemoryStock(left);
  const memory = stock.take(bytes);
  const view = new Int32Array(memory.buffer);
  view.fill(7);
  stock.giveBack(memory);
  expect(view).toHaveLength(0);
  await cleared();
  const again = stock.take(bytes);
  const fresh = new Int32Array(again.buffer);
  fresh.fill(9);
  view[0] = 1;
  expect(view[0]).toBeUndefined();
  expect(fresh[0]).toBe(9);
});

test('a memory that is given back twice is given to one guest', async () => {
  const stock = new MemoryStock(left);
  const memory = stock.take(bytes);
  stock.giveBack(memory);
  stock.giveBack(memory);
  await cleared();
  stock.giveBack(memory);
  await cleared();
  expect(stock.take(bytes)).toBe(memory);
  expect(stock.take(bytes)).not.toBe(memory);
});

test('a guest of another size gets another memory, and no more is kept than 64 MiB', async () => {
  const stock = new MemoryStock(left);
  const memories = [1, 2, 3].map(() => stock.take(32 * 2 ** 20));
  for (const memory of memories) stock.giveBack(memory);
  await sleep(500);
  expect(memories).not.toContain(stock.take(16 * 2 ** 20));
  const taken = [1, 2, 3].map(() => stock.take(32 * 2 ** 20));
  expect(taken.filter((memory) => memories.includes(memory))).toHaveLength(2);
  expect(left).toHaveBeenCalledTimes(1);
});

test('one that is taken before all of it was cleared has nothing in it either, and is left alone from then on', async () => {
  const stock = new MemoryStock(left);
  const memory = stock.take(8 * bytes);
  new Uint8Array(memory.buffer).fill(7);
  stock.giveBack(memory);
  const again = stock.take(8 * bytes);
  expect(again).toBe(memory);
  const content = new Uint8Array(again.buffer);
  expect(content.every((byte) => byte === 0)).toBe(true);
  content.fill(9);
  await cleared();
  expect(content.every((byte) => byte === 9)).toBe(true);
});
