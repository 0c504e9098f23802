import { wordsOf } from './words';

test.each([
  ['copyDeadlineMs', 'Copy deadline (ms)'],
  ['bandwidthMiBPerSecond', 'Bandwidth (MiB/s)'],
  ['reservedCpuShare', 'Reserved CPU (share, 0 to 1)'],
  ['lockIsProof', 'Lock is proof'],
])('%s is read as %s', (field, words) => {
  expect(wordsOf(field)).toBe(words);
});
