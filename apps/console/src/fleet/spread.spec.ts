import { spreadOver, stretches } from './spread';

test('hosts that do the same are not apart, and of one alone nothing can be said', () => {
  expect(
    spreadOver(
      [
        [0.4, 0, null],
        [0.4, 1, 0.5],
      ],
      3,
    ),
  ).toEqual([0, 0.5, null]);
  expect(spreadOver([], 1)).toEqual([null]);
});

test('a line ends where nothing is known, and begins anew after it', () => {
  expect(stretches([1, 2, 3, 4], [0.1, null, 0.2, 0.3])).toEqual([
    [[1, 0.1]],
    [
      [3, 0.2],
      [4, 0.3],
    ],
  ]);
});
