import type { Result } from '@argosy/domain/refusal';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

test('a display is changed while its guest is stopped, and going back to a memory brings back the one it was of', () => {
  const world = new World({
    inventory: inventoryOf({
      hosts: [{ name: 'h1', memoryMiB: 1024 }],
      guests: [{ name: 'a', memoryMiB: 64, on: 'h1' }],
    }),
  });
  const ask = (request: FleetRequest): Result<unknown> => {
    let answer: Result<unknown> | undefined;
    world.request('administrator', request, (result) => (answer = result));
    world.run(5_000);
    return answer!;
  };
  world.run(3_000);
  const change = { kind: 'guest.update', guest: 'a', settings: { display: 'standard' } } as const;
  expect(ask(change)).toMatchObject({ ok: false, refusal: { code: 'guest-not-stopped' } });
  expect(ask({ kind: 'snapshot.take', guest: 'a', name: 'before' })).toMatchObject({ ok: true });
  ask({ kind: 'guest.power', guest: 'a', desired: 'stopped', force: true });
  expect(ask(change)).toMatchObject({ ok: true, value: { display: 'standard' } });
  expect(ask({ kind: 'snapshot.revert', guest: 'a', snapshot: 'before' })).toMatchObject({ ok: true });
  expect(world.guest('a')).toMatchObject({ state: 'suspended', display: 'none' });
});
