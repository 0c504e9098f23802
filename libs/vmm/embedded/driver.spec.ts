import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from '@argosy/domain/refusal';
import type { VmmCommand, VmmDriver } from '@argosy/control/ports/vmm-driver';
import { signalProcess } from '../process-table';
import { embeddedDriver } from './driver';
import { findRunner } from './runner-link';

/** A process for guests of another release: it refuses whoever begins, and writes down what else is asked of it. */
const otherRelease = `
  const { appendFileSync } = require('node:fs');
  require('node:net').createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      for (const line of data.toString().trim().split('\\n')) {
        const asked = JSON.parse(line);
        if (asked.ask !== 'begin') appendFileSync('asked', asked.ask);
        const refusal = { code: 'vmm-unsupported', message: 'it speaks version 1' };
        if (asked.ask === 'begin') socket.end(JSON.stringify({ id: asked.id, result: { ok: false, refusal } }) + '\\n');
      }
    });
  }).listen('socket');
  setTimeout(() => process.exit(0), 20_000);`;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(realpathSync(tmpdir()), 'argosy-driver-'))));
afterEach(() => {
  const runner = findRunner(join(folder, 'runner-0'));
  if (runner) signalProcess(runner, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function driver(): VmmDriver {
  const program = join(folder, 'main.cjs');
  writeFileSync(program, otherRelease);
  return embeddedDriver({
    folder,
    listenAddress: '127.0.0.1',
    advertiseAddress: '127.0.0.1',
    cpuMillicores: 1000,
    guestLink: { kind: 'none' },
    clock: { now: () => 0 },
    migrationKey: () => null,
    program,
  });
}

const ask = (of: VmmDriver, command: VmmCommand) =>
  new Promise<Result<unknown>>((resolve) => of.execute(command, resolve));

test('an agent of another release than the process of its guests does nothing to them, and says why', async () => {
  const refusal = { ok: false, refusal: { code: 'vmm-unsupported', message: 'it speaks version 1' } };
  const copy = { kind: 'remove-disk', guestId: 'g', diskPath: join(folder, 'disk') } as never;
  const first = driver();
  // This starts the process, as an agent of the other release had.
  expect(await ask(first, { call: 'diskWork', work: copy })).toMatchObject(refusal);
  first.detach();
  const second = driver();
  expect(await ask(second, { call: 'list' })).toMatchObject(refusal);
  // Not as if there were nothing to be destroyed.
  const instance = { guestId: 'g', epoch: 1 };
  expect(await ask(second, { call: 'stop', instance, graceMs: 0 })).toMatchObject(refusal);
  second.detach();
  expect(() => readFileSync(join(folder, 'runner-0', 'asked'))).toThrow('ENOENT');
});
