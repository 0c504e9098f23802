import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inventoryOf } from '@argosy/simulator/inventory-plan';
import { World } from '@argosy/simulator/world';
import { powerRequest } from '../../../lab/chassis.mjs';
import { PowerSwitch } from './power-switch';

test('a simulated host is switched as a chassis is: by nobody in particular, or by the leader of the highest term that it has heard', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-switch-'));
  const world = new World({ inventory: inventoryOf({ hosts: [{ name: 'h1', memoryMiB: 1024 }], guests: [] }) });
  world.run(5_000);
  const host = world.host('h1');
  const { incarnation } = host;
  const socket = join(folder, 'power.sock');
  const power = new PowerSwitch(socket, host, () => world.run(1_000));
  await power.listen();
  const ask = (request: object): Promise<unknown> => powerRequest(socket, request as never);
  try {
    expect(await ask({ op: 'reset', incarnation: incarnation + 7 })).toMatchObject({ code: 'stale-incarnation' });
    expect(await ask({ op: 'off' })).toMatchObject({ ok: true, power: 'off' });
    expect(await ask({ op: 'on', term: 5 })).toMatchObject({ ok: true, power: 'on' });
    for (const op of ['on', 'off', 'reset'])
      expect(await ask({ op, term: 4 })).toMatchObject({ ok: false, code: 'stale-term' });
    expect(await ask({ op: 'status' })).toMatchObject({ ok: true, power: 'on' });
    expect(await ask({ op: 'blink' })).toMatchObject({ ok: false, code: 'unknown-op' });
    expect(await ask({ op: 'off' })).toMatchObject({ ok: true, power: 'off' });
  } finally {
    power.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
