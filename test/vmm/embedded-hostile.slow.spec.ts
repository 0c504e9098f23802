// Guests that abuse what their host gives them, beside one that does its work in the same process: it must not notice.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assemble } from '@argosy/machine/assembler';
import { elfFile } from '@argosy/machine/testing';
import { expectUnbroken, running, workIn } from '@argosy/vmm/conformance/scenes';
import { HostUnderTest } from '@argosy/vmm/test-bench';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';

beforeAll(ensureBuilt, 300_000);

const start = 0x80000000;
const hostile: Readonly<Record<string, string>> = {
  'floods its console': `
      li   t0, 120
    loop:
      csrw mconsole, t0
      j    loop`,
  'commands its disk in a loop': `
      li   t0, ${start}
      csrw mdiskaddress, t0
    loop:
      addi t1, t1, 1
      andi t1, t1, 1023
      csrw mdisksector, t1
      csrrwi zero, mdiskcommand, 2
      csrrwi zero, mdiskcommand, 1
      j    loop`,
  'resets itself in a loop': 'csrrwi zero, mpower, 2',
  'traps in a loop, and has no handler': 'li t0, 0x40000000\n csrw mtvec, t0\n ecall',
  'changes its own code in a loop': `
      la   t0, next
      lw   t1, 0(t0)
      li   t2, 0x00100000
    loop:
      xor  t1, t1, t2
      sw   t1, 0(t0)
    next:
      addi a0, a0, 1
      j    loop`,
  'writes to all of its memory in a loop': `
      li   t0, ${start + 4096}
      li   t1, ${start + 30 * 2 ** 20}
      mv   t2, t0
    loop:
      sw   t2, 0(t2)
      addi t2, t2, 64
      bltu t2, t1, loop
      mv   t2, t0
      j    loop`,
};

function residentMiB(pid: number): number {
  const [, kib = ''] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** All that the host keeps of its guests. */
function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

test.each(Object.entries(hostile))(
  'a guest that %s takes its share of the processor and no more, nor memory or room',
  (_name, text) => {
    const bench = new EmbeddedBench();
    const run = async () => {
      const host = new HostUnderTest(bench, 'h1');
      const { source: neighbour } = await running({ bench, h1: host, h2: host });
      const guest = bench.guest();
      const kernelPath = join(dirname(guest.boot.kernelPath!), 'hostile.elf');
      writeFileSync(kernelPath, elfFile(assemble(text).bytes, start, new Map()));
      const instance = { guestId: guest.guestId, epoch: 1 };
      await host.must({ call: 'consoleWrite', instance: neighbour, text: 'load 1000\n' });
      await host.must({ call: 'start', guest: { ...guest, boot: { ...guest.boot, kernelPath } }, epoch: 1 });
      await bench.wait(1000);
      const heard = host.heartbeats(neighbour).length;
      const [own, others] = await Promise.all([
        workIn(host, bench, neighbour, 5000),
        workIn(host, bench, instance, 5000),
      ]);
      const [runner] = bench.runners('h1');
      expectUnbroken(host.heartbeats(neighbour));
      expect(host.heartbeats(neighbour).length - heard).toBeGreaterThan(10);
      expect(own.cpuMs).toBeGreaterThan(0.8 * others.cpuMs);
      expect(residentMiB(runner!.pid)).toBeLessThan(400);
      expect(folderBytes(join(bench.folder, 'h1'))).toBeLessThan(4 * 2 ** 20);
    };
    return run().finally(() => bench.dispose());
  },
);
