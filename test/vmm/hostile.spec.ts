import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { QmpClient } from '@argosy/vmm/qemu/qmp';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import * as fc from 'fast-check';
import { QemuBench } from './qemu-bench';

// What a user may name things is never taken for a part of a command, an option or a path; and what stands behind a VMM's
// socket ends no agent.

const hostile = `a,b=c,file=/etc/passwd "q' $(touch pwned) \`touch pwned\` ;touch pwned; %s -S --x é`;

test('a real VMM takes hostile names and paths for names and paths', async () => {
  const bench = new QemuBench({ useGroups: false });
  try {
    const host = new HostUnderTest(bench, 'h1');
    const plain = bench.guest();
    const folder = join(bench.folder, 'datastore', hostile.replaceAll('/', '_'));
    mkdirSync(folder, { recursive: true });
    const kernelPath = join(folder, 'kernel,format=raw.elf');
    copyFileSync(resolve(__dirname, '../../guests/tiny/tiny.elf'), kernelPath);
    const guest = {
      ...plain,
      name: hostile,
      diskPath: join(folder, 'disk,readonly=on:x.qcow2'),
      cloudInit: `#cloud-config\n# ${hostile}\n`,
      boot: { ...plain.boot, kernelPath, datastorePath: folder, kernelArguments: `x ${hostile}` },
    };
    const instance = { guestId: guest.guestId, epoch: 1 };
    await host.must({ call: 'start', guest, epoch: 1 });
    await host.beats(instance);
    const words = readFileSync(`/proc/${bench.pidOf('h1', instance)}/cmdline`, 'utf8').split('\0');
    expect(words[words.indexOf('-kernel') + 1]).toBe(kernelPath);
    expect(words[words.indexOf('-append') + 1]).toBe(`x ${hostile}`);
    expect(words[words.indexOf('-name') + 1]).toBe(`guest=${hostile.replaceAll(',', ',,')},debug-threads=on`);
    expect(existsSync(guest.diskPath)).toBe(true);
    expect(existsSync(`${guest.diskPath}.seed.iso`)).toBe(true);
    const folders = [
      folder,
      dirname(folder),
      bench.folder,
      process.cwd(),
      join(bench.folder, 'h1', `${guest.guestId}.1`),
    ];
    for (const each of folders) expect(existsSync(join(each, 'pwned'))).toBe(false);
    const memoryPath = join(folder, `memory ${hostile.replaceAll('/', '_')}`);
    const work = { kind: 'suspend', ...instance, diskPath: guest.diskPath, memoryPath } as const;
    await host.must({ call: 'diskWork', work });
    expect([memoryPath, dirname(guest.diskPath)].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o700]);
    const woken = { ...guest, diskMade: true, memoryPath };
    await host.must({ call: 'start', guest: woken, epoch: 2 });
    await host.beats({ ...instance, epoch: 2 });
    for (const each of folders) expect(existsSync(join(each, 'pwned'))).toBe(false);
    await host.must({ call: 'stop', instance: { ...instance, epoch: 2 }, graceMs: 0 });
  } finally {
    await bench.dispose();
  }
}, 30_000);

test('what no operating system takes as an argument is refused, and the driver goes on', async () => {
  const bench = new QemuBench({ useGroups: false });
  try {
    const host = new HostUnderTest(bench, 'h1');
    const plain = bench.guest();
    const started = await host.ask({ call: 'start', guest: { ...plain, name: 'a\0b' }, epoch: 1 });
    expect(started.ok).toBe(false);
    const next = bench.guest();
    await host.must({ call: 'start', guest: next, epoch: 1 });
    await host.beats({ guestId: next.guestId, epoch: 1 });
  } finally {
    await bench.dispose();
  }
}, 30_000);

test('a VMM that speaks no QMP, or anything at all, is let go', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-qmp-'));
  const path = join(folder, 'qmp');
  let bytes: Uint8Array = new Uint8Array();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    socket.end(Buffer.from(bytes));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const greeting = Buffer.from('{"QMP":{}}\n{"id":1,"return":{}}\n');
  const rest = fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    fc.jsonValue().map((value) => Buffer.from(`${JSON.stringify(value)}\n`)),
    fc.constantFrom('{"error":5,"id":2}\n', '{"event":{}}\n', 'null\n', '[]\n').map((text) => Buffer.from(text)),
  );
  const whole = fc
    .tuple(fc.boolean(), rest)
    .map(([isGreeted, each]) => (isGreeted ? Buffer.concat([greeting, each]) : each));
  try {
    await fc.assert(
      fc.asyncProperty(whole, async (sent) => {
        bytes = sent;
        let closed: () => void = () => undefined;
        const end = new Promise<void>((resolve) => (closed = resolve));
        const options = {
          path: () => path,
          deadlineMs: 500,
          alive: () => true,
          onEvent: () => undefined,
          onClose: () => closed(),
        };
        const client = await QmpClient.connect(options).catch(() => null);
        await client?.call('query-status', {}, 500).catch(() => null);
        await end;
      }),
      { numRuns: 60 },
    );
  } finally {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  }
}, 60_000);
