import { setTimeout as sleep } from 'node:timers/promises';
import { ConsoleInput } from './console-input';

/** A port whose guest reads when it is told to. */
function aPort() {
  const written: string[] = [];
  const port = { unread: 0, hears: true };
  const input = new ConsoleInput({
    isEmpty: async () => port.unread === 0,
    write: (text) => written.push(text),
    mayHear: () => port.hears,
  });
  return { input, port, written };
}

const settled = async (holds: () => boolean) => {
  for (let looks = 0; looks < 500 && !holds(); looks++) await sleep(2);
};

test('a long text goes to the port in pieces that it can hold, whole and in order', async () => {
  const { input, written } = aPort();
  const text = 'zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich 🥊🥊🥊🥊🥊\n';
  expect(input.type(text.slice(0, 9))).toBe(true);
  expect(input.type(text.slice(9))).toBe(true);
  await settled(() => written.join('') === text);
  expect(written.join('')).toBe(text);
  expect(Math.max(...written.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(16);
  await input.settle(1000);
  input.close();
});

test('nothing follows a piece that the guest has not read, and what waits can be taken away', async () => {
  const { input, port, written } = aPort();
  port.unread = 1;
  input.type('0123456789abcdef and more');
  await sleep(30);
  expect(written).toEqual(['0123456789abcdef']);
  await input.settle(5);
  expect(input.take()).toBe(' and more');
  port.unread = 0;
  await input.settle(2000);
  input.type('!');
  await settled(() => written.length > 1);
  expect(written).toEqual(['0123456789abcdef', '!']);
  input.close();
});

test('a guest that is about to leave is written nothing, and hears it when it stays', async () => {
  const { input, port, written } = aPort();
  port.hears = false;
  input.type('stats\n');
  await sleep(30);
  expect(written).toEqual([]);
  port.hears = true;
  await settled(() => written.length > 0);
  expect(written).toEqual(['stats\n']);
  input.close();
});

test('a guest that reads nothing is not written to for ever', () => {
  const { input, port } = aPort();
  port.unread = 1;
  expect(input.type('x'.repeat(4000))).toBe(true);
  expect(input.type('x'.repeat(200))).toBe(false);
  input.close();
});
