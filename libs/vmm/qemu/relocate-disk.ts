import { copyFile, constants, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DiskWork, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import type { GuestSpecification } from '@argosy/domain/guest-specification';
import type { VmmState } from '@argosy/control/ports/vmm-driver';
import { convertDisk, look } from './clone-disk';
import { diskNode } from './command-line';
import {
  devicesHave,
  DiskMirror,
  dropNode,
  endJob,
  extentOf,
  findJob,
  takeDiscards,
  withoutDiscards,
} from './disk-mirror';
import {
  exists,
  isSameFile,
  makeItsOwn,
  makePrivateFolder,
  markLeaving,
  unmarkLeaving,
  requireFree,
  requireWanted,
  type RelocationOwner,
} from '../disk-files';
import { imageTool, variablesBeside } from './guest-disk';
import type { InstanceRecord, Relocation } from './instance-folder';
import { refuse } from '../refused';
import {
  keepVariables,
  mirrorVariables,
  nextVariablesNode,
  pivotVariables,
  variablesNodeOf,
} from './relocate-variables';
import type { QmpClient, QmpEvent } from './qmp';

type RelocateWork = Extract<DiskWork, { kind: 'relocate' }>;

/** A VMM as far as its disk is concerned. */
export interface RelocatingVmm {
  state: VmmState;
  readonly guest: GuestSpecification;
  readonly record: InstanceRecord;
  readonly diskNode: string;
  onBlockJob: ((event: QmpEvent) => void) | null;
  isAlive(): boolean;
  inOrder<Value>(call: () => Promise<Value>): Promise<Value>;
  keep(change: Partial<InstanceRecord>): void;
  requireQmp(): QmpClient;
}

const job = 'relocation';
const lookEveryMs = 20;
const progressEveryMs = 200;

const moved: DiskWorkResult = { ...nothingToTell, moved: true };

/** What a move of a disk that nobody has open copies. */
export async function copyStopped(work: RelocateWork, owner: RelocationOwner): Promise<void> {
  const { diskPath, newDiskPath, copyPath, bandwidthMiBPerSecond } = work;
  const progress = owner.progress.bind(owner);
  const conversion = { signal: owner.signal, bandwidthMiBPerSecond, progress };
  await convertDisk({ diskPath, snapshotId: null, imagePath: work.backingPath }, copyPath, conversion);
  const variables = variablesBeside(diskPath);
  if (await exists(variables)) await copyFile(variables, variablesBeside(newDiskPath), constants.COPYFILE_FICLONE);
}

/**
 * Under a running guest: both disks are kept the same, then it stands still for a moment, in which the copy gets the disk's
 * name and the guest's device the copy. Whatever dies before it runs on finds two disks that are the same; from then on
 * the name says which is the guest's.
 */
export async function relocateInside(
  work: RelocateWork,
  vmm: RelocatingVmm,
  owner: RelocationOwner,
): Promise<DiskWorkResult> {
  const { copyPath, newDiskPath } = work;
  if (vmm.guest.diskPath === newDiskPath) return moved;
  await requireFree(newDiskPath);
  requireWanted(owner);
  const qmp = vmm.requireQmp();
  const node = vmm.diskNode === 'disk' ? 'moved-disk' : 'disk';
  const relocation = {
    copyPath,
    newDiskPath,
    node,
    variablesNode: nextVariablesNode(vmm.record),
    standsStill: false,
  };
  vmm.keep({ relocating: relocation });
  const ended: { error: string | null }[] = [];
  const mirror = new DiskMirror(
    qmp,
    job,
    () => undefined,
    (error) => ended.push({ error }),
  );
  vmm.onBlockJob = (event) => mirror.onEvent(event);
  try {
    await beginCopy(work, vmm, { qmp, node, mirror });
    const begunAt = performance.now();
    for (let toldAt = begunAt; !mirror.ready; await sleep(lookEveryMs)) {
      if (ended[0]) throw new Error(ended[0].error ?? 'the copy of the disk was ended');
      requireWanted(owner);
      vmm.requireQmp();
      if (performance.now() - toldAt < progressEveryMs) continue;
      toldAt = performance.now();
      const progress = await mirror.progress(toldAt - begunAt);
      if (progress) owner.progress(progress);
    }
    await mirrorVariables(vmm, relocation);
    await markLeaving(work.diskPath);
    // Other calls need not wait for the copy, only for the pivot.
    const pauseMs = await vmm.inOrder(() => {
      requireWanted(owner);
      return pivot(vmm, mirror, relocation);
    });
    return { ...moved, pauseMs };
  } catch (error) {
    await undo(vmm, mirror, relocation).catch(() => undefined);
    throw error;
  } finally {
    vmm.onBlockJob = null;
  }
}

async function beginCopy(
  work: RelocateWork,
  vmm: RelocatingVmm,
  { qmp, node, mirror }: { readonly qmp: QmpClient; readonly node: string; readonly mirror: DiskMirror },
): Promise<void> {
  const { copyPath, backingPath, bandwidthMiBPerSecond } = work;
  await dropNode(qmp, node);
  await makePrivateFolder(dirname(copyPath));
  await rm(copyPath, { force: true });
  await unmarkLeaving(work.diskPath);
  const extent = await extentOf(qmp, vmm.diskNode, backingPath);
  const disk = await look(vmm.guest.diskPath);
  const isOverlay = extent === 'own' && disk['full-backing-filename'] !== undefined;
  const above = isOverlay ? ['-b', backingPath!, '-F', disk['backing-filename-format'] ?? 'qcow2'] : [];
  await imageTool(['create', '-q', '-f', 'qcow2', ...above, copyPath, String(disk['virtual-size'])]);
  const added = diskNode(node, copyPath);
  await qmp.call('blockdev-add', extent === 'own' ? added : withoutDiscards(added));
  await mirror.begin({ job, device: vmm.diskNode, target: node, extent, bandwidthMiBPerSecond });
}

/** How long the guest stood still. */
async function pivot(vmm: RelocatingVmm, mirror: DiskMirror, relocation: Relocation): Promise<number> {
  const begun = performance.now();
  await standStill(vmm, relocation);
  await makeItsOwn(relocation.copyPath, relocation.newDiskPath);
  try {
    await mirror.finish({ pivot: true });
  } catch (error) {
    await unlink(relocation.newDiskPath);
    throw error;
  }
  await pivotVariables(vmm, relocation);
  await goOn(vmm, true);
  return Math.round((performance.now() - begun) * 10) / 10;
}

async function standStill(vmm: RelocatingVmm, relocation: Relocation): Promise<void> {
  const { state } = vmm;
  if (state !== 'running' && state !== 'paused')
    throw refuse('guest-not-running', `the disk of ${vmm.guest.name} cannot move now: it is ${state}`);
  vmm.keep({ relocating: { ...relocation, standsStill: state === 'running' } });
  // Nobody is told of a pause that nobody asked for and that is over in a moment.
  vmm.state = 'sending';
  await vmm.requireQmp().call('stop');
}

/** With the copy as its disk, or with what it had. */
export async function goOn(vmm: RelocatingVmm, hasMoved: boolean): Promise<void> {
  const { relocating, guest } = vmm.record;
  if (!relocating) return;
  const { newDiskPath, node, variablesNode, standsStill } = relocating;
  const qmp = vmm.requireQmp();
  const left = hasMoved ? [vmm.diskNode, ...(variablesNode ? [variablesNodeOf(vmm.record)] : [])] : [node];
  if (hasMoved) vmm.keep({ guest: { ...guest, diskPath: newDiskPath }, diskNode: node });
  if (hasMoved && variablesNode) vmm.keep({ variablesNode });
  if (standsStill) await qmp.call('cont');
  if (standsStill) vmm.state = 'running';
  else if (vmm.state === 'sending') vmm.state = 'paused';
  vmm.keep({ relocating: null });
  if (hasMoved) await takeDiscards(qmp, node);
  for (const each of left) await dropNode(qmp, each);
}

async function undo(vmm: RelocatingVmm, mirror: DiskMirror, relocation: Relocation): Promise<void> {
  if (!vmm.isAlive()) return;
  // Its disk has moved, and only the connection to its VMM was lost: whoever has that again takes it to its end.
  if (await isSameFile(relocation.copyPath, relocation.newDiskPath)) return;
  await mirror.drop();
  await keepVariables(vmm, relocation);
  await goOn(vmm, false);
  await dropCopy(vmm, relocation);
}

/** The mark before the copy: without either the disk has surely stayed. */
async function dropCopy(vmm: RelocatingVmm, { copyPath }: Relocation): Promise<void> {
  await unmarkLeaving(vmm.guest.diskPath);
  await rm(copyPath, { force: true });
}

/** What an agent's death cut short: with its name the copy is the guest's disk, and without it is thrown away. */
export async function endRelocation(vmm: RelocatingVmm, relocation: Relocation): Promise<void> {
  const { copyPath, newDiskPath, node } = relocation;
  const qmp = vmm.requireQmp();
  const isNamed = await isSameFile(copyPath, newDiskPath);
  if (isNamed && (await pivoted(qmp, node))) {
    await pivotVariables(vmm, relocation);
    return goOn(vmm, true);
  }
  // It stands still, and both are the same.
  if (isNamed) await unlink(newDiskPath);
  await endJob(qmp, job);
  await keepVariables(vmm, relocation);
  await goOn(vmm, false);
  await dropCopy(vmm, relocation);
}

/** The guest's device may have the copy already; if it has not, the guest stands still and both are the same. */
async function pivoted(qmp: QmpClient, node: string): Promise<boolean> {
  const found = await findJob(qmp, job);
  if (found?.ready) {
    await qmp.call('block-job-complete', { device: job }, pivotDeadlineMs);
    for (let waitedMs = 0; waitedMs < pivotDeadlineMs; waitedMs += lookEveryMs) {
      if (!(await findJob(qmp, job))) break;
      await sleep(lookEveryMs);
    }
  }
  return devicesHave(qmp, node);
}

const pivotDeadlineMs = 30_000;
