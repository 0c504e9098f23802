import { createReadStream } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makePrivateFolder } from '../../disk-files';
import { refuse } from '../../refused';
import type { EmbeddedGuest, GuestState, Transfer } from '../guest';
import { FrameReader, messageFrame } from './frames';
import { MemoryCopy, Pace } from './memory-copy';

const standstillMs = 5;
const unlimitedMiBPerSecond = 2 ** 20;

interface Saved {
  readonly say: 'state';
  readonly memoryBytes: number;
  readonly state: GuestState;
}

/**
 * A guest's memory into a file while it runs, and `atStandstill` at the moment whose memory it is. The file appears whole, and
 * last. Value: how long the guest stood still.
 */
export async function saveMemory(
  vmm: EmbeddedGuest,
  { path, andEnd, signal }: { readonly path: string; readonly andEnd: boolean; readonly signal: AbortSignal },
  atStandstill: () => void = () => undefined,
): Promise<number> {
  const before = vmm.state;
  if (before !== 'running' && before !== 'paused')
    throw refuse('guest-not-running', `${vmm.guest.name} has no memory to be saved: it is ${before}`);
  const abandoning = new AbortController();
  const transfer: Transfer = { abandon: () => abandoning.abort() };
  const partPath = `${path}.part`;
  vmm.state = 'sending';
  vmm.transfer = transfer;
  let file: FileHandle | null = null;
  let copy: MemoryCopy | null = null;
  try {
    await makePrivateFolder(dirname(path));
    file = await open(partPath, 'w', 0o600);
    const { appendFile, sync } = bound(file);
    const either = AbortSignal.any([signal, abandoning.signal]);
    const way = {
      send: appendFile,
      settle: async () => undefined,
      pace: new Pace(unlimitedMiBPerSecond),
      signal: either,
    };
    copy = new MemoryCopy(vmm, way);
    await copy.untilFewAreLeft(standstillMs, () => false);
    const stoodStillAt = performance.now();
    vmm.halt();
    await copy.sendRest();
    const saved: Saved = { say: 'state', memoryBytes: vmm.machine.memoryBytes, state: vmm.saveState() };
    atStandstill();
    const pauseMs = performance.now() - stoodStillAt;
    if (!andEnd && before === 'running') vmm.go();
    await appendFile(messageFrame(saved));
    await sync();
    await rename(partPath, path);
    return pauseMs;
  } finally {
    await file?.close();
    copy?.end();
    await rm(partPath, { force: true });
    vmm.dirty.unfollow();
    if (vmm.transfer === transfer) vmm.transfer = null;
    if (vmm.isAlive && vmm.state === 'sending') {
      vmm.state = before;
      if (!andEnd && before === 'running' && vmm.phase === 'off') vmm.go();
    }
  }
}

function bound(file: FileHandle) {
  return {
    appendFile: (bytes: Buffer) => file.appendFile(bytes),
    sync: () => file.sync(),
  };
}

/** The guest is as it was when its memory was saved. */
export async function loadMemory(vmm: EmbeddedGuest, path: string): Promise<void> {
  let saved: Saved | null = null;
  const { machine } = vmm;
  const reader = new FrameReader({
    message: (message) => (saved = message as unknown as Saved),
    page: (page, content) => machine.pageCame(page, content),
    awaited: () => undefined,
    cluster: () => undefined,
  });
  const { name } = vmm.guest;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 2 ** 18 })) reader.push(piece as Buffer);
  } catch (error) {
    throw refuse('vmm-failed', `${name}: its memory cannot be read from ${path}: ${(error as Error).message}`);
  } finally {
    reader.end();
  }
  const { memoryBytes, state } = (saved ?? {}) as Partial<Saved>;
  if (state === undefined || memoryBytes !== machine.memoryBytes)
    throw refuse('vmm-failed', `${name}: ${path} is not the whole memory of a guest of ${machine.memoryBytes} bytes`);
  vmm.loadState(state);
}
