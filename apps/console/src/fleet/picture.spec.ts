import { type Box, layOut, marksIn } from './picture';

const pool = (hosts: number) => ({
  id: 'p',
  name: 'pool',
  hostIds: Array.from({ length: hosts }, (_, index) => `h${index}`),
});
const isInside = (inner: Box, outer: Box) =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width + 0.01 &&
  inner.y + inner.height <= outer.y + outer.height + 0.01;

test.each([1, 3, 40, 400, 1000])('%d hosts are all seen at once, and none lies on another', (hosts) => {
  const picture = layOut([pool(hosts)], 1100, 700);
  expect(picture.height).toBeLessThanOrEqual(700);
  const boxes = [...picture.hosts.values()];
  const places = new Set(boxes.map(({ x, y }) => `${Math.round(x)} ${Math.round(y)}`));
  expect(places.size).toBe(hosts);
  for (const box of boxes) expect(box.x + box.width).toBeLessThanOrEqual(1100);
});

test('with three hosts a cell has room for names, with a thousand it can still be pointed at', () => {
  expect(layOut([pool(3)], 1100, 700).hosts.get('h0')!.width).toBeGreaterThan(200);
  expect(layOut([pool(1000)], 1100, 700).hosts.get('h0')!.width).toBeGreaterThan(12);
});

test.each([3, 1000])('the marks of guests stay in their cell, with %d hosts', (hosts) => {
  const box = layOut([pool(hosts)], 1100, 700).hosts.get('h0')!;
  for (const mark of marksIn(box, 20)) expect(isInside(mark, box)).toBe(true);
});

test('on a narrow screen one host is as wide as there is room', () => {
  expect(layOut([pool(2)], 200, 300).hosts.get('h1')!.width).toBeLessThanOrEqual(200);
});

test('before its room is known the picture has a height', () => {
  expect(layOut([pool(3)], 0, 500).height).toBeGreaterThan(0);
});
