import { chmod, copyFile, constants, link, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DiskWork, type DiskWorkResult, nothingToTell } from '@argosy/domain/disk-work';
import type { MigrationProgress } from '@argosy/domain/entities';
import { copyProgress } from './disk-mirror';
import { exists, makePrivateFolder, placeWhole, unfinished } from '../disk-files';
import { copyDeadlineMs, imageTool, variablesBeside } from './guest-disk';
import type { QemuInstance } from './instance';
import { refuse } from '../refused';
import type { QmpClient } from './qmp';

type CloneWork = Extract<DiskWork, { kind: 'clone' }>;

/** With no VMM that has the disk open; of a snapshot, which nobody changes, also with one. */
export async function cloneDisk(work: CloneWork): Promise<DiskWorkResult> {
  const { diskPath, basePath, epoch, guestId } = work;
  if (epoch !== null && !(await exists(work.clonePath)))
    throw refuse('guest-not-here', `guest ${guestId} does not run here at epoch ${epoch} any more`);
  return makeClone(work, async (path) => {
    if (basePath === null) return convertDisk(work, path);
    await freeze(diskPath, basePath);
    await imageTool(overlay(basePath, path));
  });
}

/**
 * The VMM itself copies its disk as it is at this moment, while the guest runs: what the guest overwrites meanwhile is copied
 * first. What is in the guest's caches only is not on the disk, as after a power cut.
 */
export async function cloneInside(work: CloneWork, vmm: QemuInstance): Promise<DiskWorkResult> {
  if (work.basePath !== null || work.snapshotId !== null)
    throw refuse('guest-busy', `${vmm.guest.name} runs; stop it first`);
  return makeClone(
    work,
    (path) => copyInside(work, vmm, path),
    () => !vmm.isDetached,
  );
}

/** The disk appears whole and last; with it all was done, by an agent that did not live to tell. */
async function makeClone(
  work: CloneWork,
  make: (path: string) => Promise<void>,
  isOurs = (): boolean => true,
): Promise<DiskWorkResult> {
  const { diskPath, clonePath } = work;
  if (await exists(clonePath)) return nothingToTell;
  const folder = dirname(clonePath);
  await rm(folder, { recursive: true, force: true });
  try {
    await makePrivateFolder(folder);
    const variables = variablesBeside(diskPath);
    if (await exists(variables)) await copyFile(variables, variablesBeside(clonePath), constants.COPYFILE_FICLONE);
    await placeWhole(clonePath, make);
  } catch (error) {
    // Another agent may have begun anew.
    if (isOurs()) await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return nothingToTell;
}

function overlay(basePath: string, path: string): string[] {
  return ['create', '-q', '-f', 'qcow2', '-b', basePath, '-F', 'qcow2', path];
}

/** The disk gets a second name, as a base, and an empty overlay takes its first. Each step is seen done when it is. */
async function freeze(diskPath: string, basePath: string): Promise<void> {
  if (basePath === diskPath) return;
  const [disk, base] = await Promise.all([stat(diskPath), stat(basePath).catch(() => null)]);
  if (base && base.ino !== disk.ino) return;
  // Asks for the lock: nobody may have it open.
  await imageTool(['info', '-f', 'qcow2', diskPath]);
  await makePrivateFolder(dirname(basePath));
  if (!base) await link(diskPath, basePath);
  const next = unfinished(diskPath);
  await imageTool(overlay(basePath, next));
  await rename(next, diskPath);
  await chmod(basePath, 0o444);
}

interface DiskInformation {
  readonly 'virtual-size': number;
  readonly 'full-backing-filename'?: string;
  readonly 'backing-filename-format'?: string;
}

export async function look(path: string): Promise<DiskInformation> {
  return JSON.parse(await imageTool(['info', '-U', '--output=json', '-f', 'qcow2', path])) as DiskInformation;
}

/** The image below the disk, where the copy may stay above it: then only what is in the disk itself is copied. */
function keptImage({ imagePath }: Pick<CloneWork, 'imagePath'>, disk: DiskInformation): string[] | null {
  const { 'full-backing-filename': path, 'backing-filename-format': format } = disk;
  return imagePath !== null && path === imagePath && format !== undefined ? ['-b', path, '-F', format] : null;
}

type ConvertWork = Pick<CloneWork, 'diskPath' | 'snapshotId' | 'imagePath'>;

interface Conversion {
  readonly signal: AbortSignal;
  readonly bandwidthMiBPerSecond: number;
  readonly progress: (progress: MigrationProgress) => void;
}

export async function convertDisk(work: ConvertWork, path: string, conversion?: Conversion): Promise<void> {
  const { diskPath, snapshotId } = work;
  const disk = await look(diskPath);
  const image = keptImage(work, disk);
  // A snapshot's clusters stay as they are, also in a disk that somebody writes to.
  const of = snapshotId === null ? [] : ['-U', '-l', `snapshot.name=${snapshotId}`];
  const above = image ? ['-B', image[1]!, '-F', image[3]!] : [];
  // Unlike its default, this cache is on the disk at the end.
  const how = ['-f', 'qcow2', '-O', 'qcow2', '-t', 'writeback'];
  const told = conversion ? ['-p', '-r', `${conversion.bandwidthMiBPerSecond}M`] : ['-q'];
  await imageTool(['convert', ...how, ...told, ...of, ...above, diskPath, path], {
    timeout: copyDeadlineMs,
    ...(conversion ? { signal: conversion.signal, hear: hearProgress(conversion, disk['virtual-size']) } : {}),
  });
}

/** qemu-img prints how far it has come, as "(12.34/100%)", over and over on one line. */
function hearProgress({ progress }: Conversion, totalBytes: number): (text: string) => void {
  const begunAt = performance.now();
  let toldAt = begunAt;
  return (text) => {
    const percent = /\((\d+\.\d+)\/100%\)\s*$/.exec(text)?.[1];
    const now = performance.now();
    if (percent === undefined || now - toldAt < progressEveryMs) return;
    toldAt = now;
    progress(copyProgress(Math.round((totalBytes * Number(percent)) / 100), totalBytes, now - begunAt));
  };
}

const progressEveryMs = 200;

/** Of the job and of the node that it writes to: a guest's disk is copied once at a time. */
const copyName = 'clone';
const lookEveryMs = 50;

interface Job {
  readonly id: string;
  readonly status: string;
  readonly error?: string;
}

async function copyInside(work: CloneWork, vmm: QemuInstance, path: string): Promise<void> {
  const qmp = vmm.requireQmp();
  await endCopy(qmp);
  const disk = await look(work.diskPath);
  const image = keptImage(work, disk);
  await imageTool(['create', '-q', '-f', 'qcow2', ...(image ?? []), path, String(disk['virtual-size'])]);
  const file = { driver: 'file', filename: path };
  await qmp.call('blockdev-add', { driver: 'qcow2', 'node-name': copyName, file, backing: null });
  try {
    await qmp.call('blockdev-backup', {
      'job-id': copyName,
      device: vmm.diskNode,
      target: copyName,
      sync: image ? 'top' : 'full',
      'auto-dismiss': false,
      'on-target-error': 'report',
    });
    await untilCopied(qmp);
  } finally {
    await endCopy(qmp).catch(() => undefined);
  }
}

async function findCopy(qmp: QmpClient): Promise<Job | undefined> {
  return (await qmp.call<readonly Job[]>('query-jobs')).find(({ id }) => id === copyName);
}

async function untilCopied(qmp: QmpClient): Promise<void> {
  for (let waitedMs = 0; waitedMs < copyDeadlineMs; waitedMs += lookEveryMs) {
    const job = await findCopy(qmp);
    if (!job) throw new Error('the copy has gone');
    if (job.status === 'concluded') {
      if (job.error !== undefined) throw new Error(job.error);
      return;
    }
    await sleep(lookEveryMs);
  }
  throw refuse('vmm-timeout', 'the disk could not be copied in time');
}

/** Also one that an agent began which is gone. Closing the node writes what is left to its file. */
async function endCopy(qmp: QmpClient): Promise<void> {
  for (let job = await findCopy(qmp); job; job = await findCopy(qmp)) {
    if (job.status === 'concluded') await qmp.call('job-dismiss', { id: copyName });
    else {
      await qmp.call('block-job-cancel', { device: copyName, force: true }).catch(() => undefined);
      await sleep(lookEveryMs);
    }
  }
  const nodes = await qmp.call<readonly { readonly 'node-name'?: string }[]>('query-named-block-nodes', { flat: true });
  if (nodes.some((node) => node['node-name'] === copyName))
    await qmp.call('blockdev-del', { 'node-name': copyName }, nodeDeadlineMs);
}

const nodeDeadlineMs = 60_000;
