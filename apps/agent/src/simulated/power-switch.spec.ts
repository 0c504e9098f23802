import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accepted } from '@argosy/domain/refusal';
import type { ModelHost } from '@argosy/simulator/model-host';
import * as fc from 'fast-check';
import { PowerSwitch } from './power-switch';

// A fleet's fencing hangs on the switches of its hosts, and one process has the switches of thousands.

let folder: string;
let power: PowerSwitch;
let done: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-power-'));
  done = [];
  const host = {
    machine: { powered: true, instances: new Map() },
    incarnation: 1,
    hearTerm: () => accepted(null),
    powerOn: () => done.push('on'),
    powerOff: () => done.push('off'),
    fence: (order: { incarnation: unknown; term: unknown }, reply: (result: unknown) => void) => {
      done.push(`fence ${typeof order.incarnation} ${typeof order.term}`);
      reply(accepted(null));
    },
  };
  power = new PowerSwitch(join(folder, 'power.sock'), host as unknown as ModelHost, () => undefined);
  await power.listen();
});
afterEach(() => {
  power.close();
  rmSync(folder, { recursive: true });
});

/** All that it answers until the connection ends. */
function say(bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(join(folder, 'power.sock'));
    socket.on('error', () => undefined).on('close', () => resolve(heard));
    socket.on('data', (text) => (heard += text.toString()));
    socket.end(bytes);
  });
}

test('no bytes end the switch, and nothing is done to the host that no line says in so many words', async () => {
  const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom('1', null, 1.5));
  const order = fc.record(
    { id: value, op: fc.oneof(fc.constantFrom('off', 'on', 'reset', 'status', '__proto__'), value), incarnation: value, term: value },
    { requiredKeys: ['op'] },
  ); // prettier-ignore
  const lines = fc.array(fc.oneof(order, fc.jsonValue()), { maxLength: 3 });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    lines.map((all) => all.map((each) => `${JSON.stringify(each)}\n`).join('')),
    fc.constant('x'.repeat(10_000)),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (said) => {
      done = [];
      await say(said);
      if (done.length > 0) expect(String(said)).toMatch(/"op":"(off|on|reset)"/);
      for (const each of done) expect(each).toMatch(/^(on|off|fence number number)$/);
    }),
    { numRuns: 150 },
  );
  expect(JSON.parse(await say('{"id":7,"op":"status"}\n'))).toMatchObject({ id: 7, ok: true, power: 'on' });
});
