import type { FleetRequest } from '@argosy/domain/fleet-request';
import { inventoryOf } from './inventory-plan';
import { World } from './world';

test('a guest that moves on before the host it left has answered counts where it goes now: a rule holds there', () => {
  const world = new World({
    inventory: inventoryOf({
      hosts: ['h1', 'h2', 'h3'].map((name) => ({ name, memoryMiB: 4096 })),
      guests: [
        { name: 'a', memoryMiB: 64, on: 'h1' },
        { name: 'b', memoryMiB: 64, on: 'h3' },
        { name: 'filler', memoryMiB: 512, on: 'h1' },
      ],
      rules: [{ name: 'apart', kind: 'apart', guests: ['a', 'b'], hosts: [] }],
      settings: { balance: { automation: 'partial' } },
    }),
  });
  world.run(3_000);
  const ask = (request: FleetRequest): void => world.request('administrator', request);
  ask({ kind: 'guest.power', guest: 'b', desired: 'stopped', force: true });
  world.run(3_000);
  const { onWrite } = world.store;
  let moves = 0;
  world.store.onWrite = (write) => {
    onWrite?.(write);
    if (write.kind !== 'put' || write.entity !== 'migration' || write.row.step !== 'release' || ++moves > 1) return;
    world.host('h1').killAgent();
    world.clock.after(50, () => ask({ kind: 'guest.migrate', guest: 'a', host: 'h3' }));
    world.clock.after(60, () => ask({ kind: 'guest.power', guest: 'b', desired: 'running' }));
  };
  ask({ kind: 'guest.migrate', guest: 'a', host: 'h2' });
  world.run(20_000);
  expect(world.site.runningCopies('a').map(({ machine }) => machine.name)).toEqual(['h3']);
  expect(world.site.runningCopies('b').map(({ machine }) => machine.name)).not.toContain('h3');
  expect(world.guest('b').state).toBe('running');
  expect(world.invariants.violations).toEqual([]);
});
