import type { Guest } from '../fleet/rows';
import { changesOf } from './guest-fields';

const guest = { name: 'web', vcpus: 2, memoryMiB: 64, cpuLimitMillicores: 500, cpuShares: 1000 } as Guest;

test('only what was typed is sent: what another has changed meanwhile stays', () => {
  const typed = { memoryMiB: '96' };
  expect(changesOf({ ...guest, cpuShares: 2000, name: 'front' }, typed)).toEqual({ memoryMiB: 96 });
});

test('what was typed and is so already is no change, and a limit that was cleared is none', () => {
  expect(changesOf(guest, { vcpus: '2', cpuLimitMillicores: '' })).toEqual({ cpuLimitMillicores: null });
});
