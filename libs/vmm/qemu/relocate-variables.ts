import { copyFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { firmwareVariablesNode, flashNode } from './command-line';
import { devicesHave, dropNode, endJob, findJob } from './disk-mirror';
import { variablesBeside } from './guest-disk';
import type { InstanceRecord, Relocation } from './instance-folder';
import type { QmpClient } from './qmp';

/**
 * The variables of a guest's UEFI lie beside its disk, and go where the disk goes, by a mirror of their own: QEMU gives the
 * firmware's flash another file as it does a device's disk. Which file is the guest's is not told by theirs, but by the disk's name.
 */
const job = 'relocation-variables';
const lookEveryMs = 10;
const deadlineMs = 30_000;
const attempts = 3;

interface Flash {
  readonly record: InstanceRecord;
  keep(change: Partial<InstanceRecord>): void;
  requireQmp(): QmpClient;
}

export function variablesNodeOf({ variablesNode }: InstanceRecord): string {
  return variablesNode ?? firmwareVariablesNode;
}

/** The node that its flash has when they have moved; null: the guest has none. */
export function nextVariablesNode(record: InstanceRecord): string | null {
  if (record.guest.boot.firmware !== 'uefi') return null;
  return variablesNodeOf(record) === firmwareVariablesNode ? 'moved-variables' : firmwareVariablesNode;
}

function flashFileOf({ guest }: InstanceRecord): string {
  return variablesBeside(guest.diskPath);
}

/** From here on what the firmware writes goes to both. A flash takes no discards, which is what the mirror needs (`DiskMirror`). */
export async function mirrorVariables(vmm: Flash, { newDiskPath, variablesNode }: Relocation): Promise<void> {
  if (!variablesNode) return;
  const qmp = vmm.requireQmp();
  await dropNode(qmp, variablesNode);
  const path = variablesBeside(newDiskPath);
  const { size } = await stat(flashFileOf(vmm.record));
  await writeFile(path, '');
  await truncate(path, size);
  await qmp.call('blockdev-add', flashNode(variablesNode, path));
  await qmp.call('blockdev-mirror', {
    'job-id': job,
    device: variablesNodeOf(vmm.record),
    target: variablesNode,
    sync: 'full',
    'copy-mode': 'write-blocking',
  });
  for (let waitedMs = 0; waitedMs < deadlineMs; waitedMs += lookEveryMs) {
    const found = await findJob(qmp, job);
    if (!found) break;
    if (found.ready) return;
    await sleep(lookEveryMs);
  }
  throw new Error('the variables of its UEFI could not be copied');
}

/**
 * The guest stands still, and its disk has moved: its variables follow. There is no way back any more: what fails is tried
 * again, and in the end they are at least there as they are now.
 */
export async function pivotVariables(vmm: Flash, relocation: Relocation): Promise<void> {
  const { variablesNode, newDiskPath } = relocation;
  if (!variablesNode) return;
  const qmp = vmm.requireQmp();
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (await devicesHave(qmp, variablesNode)) return;
    await pivotOnce(vmm, relocation).catch(() => undefined);
  }
  if (await devicesHave(qmp, variablesNode)) return;
  await endJob(qmp, job);
  await dropNode(qmp, variablesNode);
  await copyFile(flashFileOf(vmm.record), variablesBeside(newDiskPath));
  const { relocating } = vmm.record;
  vmm.keep({ relocating: relocating && { ...relocating, variablesNode: null } });
}

async function pivotOnce(vmm: Flash, relocation: Relocation): Promise<void> {
  const qmp = vmm.requireQmp();
  if (!(await findJob(qmp, job))?.ready) {
    await endJob(qmp, job);
    await mirrorVariables(vmm, relocation);
  }
  await qmp.call('block-job-complete', { device: job }, deadlineMs);
  for (let waitedMs = 0; waitedMs < deadlineMs && (await findJob(qmp, job)); waitedMs += lookEveryMs)
    await sleep(lookEveryMs);
}

/** The disk stays, and so do they. */
export async function keepVariables(vmm: Flash, { variablesNode, newDiskPath }: Relocation): Promise<void> {
  if (!variablesNode) return;
  const qmp = vmm.requireQmp();
  await endJob(qmp, job);
  await dropNode(qmp, variablesNode);
  await rm(variablesBeside(newDiskPath), { force: true });
}
