import { execFile, spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Firmware, Image } from '@argosy/domain/storage';
import { given } from './command';
import { imagesFolder } from './datastore-folder';
import { Failure, usageFailure } from './failure';
import { bytes } from './output/units';
import type { Session } from './session';
import { uploadImage } from './upload-image';

export interface ImportOptions {
  readonly name: string | undefined;
  readonly firmware: Firmware;
  readonly architecture: string | undefined;
  readonly minimumMemoryMiB: number | undefined;
  readonly datastore: string | undefined;
  /** Through a controller, from where the datastore is not reached. */
  readonly upload: boolean;
}

type DiskFormat = 'qcow2' | 'raw';
const sectorBytes = 512;
const imageToolMs = 120_000;

interface ToolAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function imageTool(parameters: readonly string[]): Promise<ToolAnswer> {
  return new Promise((resolveAnswer, reject) => {
    execFile(
      'qemu-img',
      [...parameters],
      { timeout: imageToolMs, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') return reject(noTool());
        resolveAnswer({ status: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr });
      },
    );
  });
}

function noTool(): Failure {
  return new Failure('vmm-unsupported', 'qemu-img is not installed.', {
    advice: 'Install it: apt-get install qemu-utils.',
  });
}

/** The last line of what qemu-img says, without its own name and the file's. */
function said(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? '';
  return line
    .replace(/^qemu-img: /, '')
    .replace(/^Could not open '[^']*': /, '')
    .replace(/\.$/, '');
}

function corrupt(file: string, why: string, advice = 'Download it or copy it again.'): Failure {
  return new Failure('image-corrupt', `${file} is no sound image: ${why}.`, { advice });
}

function checkFile(file: string): void {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) throw usageFailure(`${file} is not a file.`);
    if (stat.size === 0) throw corrupt(file, 'it is empty');
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('no-file', `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

interface DiskInfo {
  readonly format: string;
  readonly 'virtual-size': number;
  readonly 'backing-filename'?: string;
  readonly 'format-specific'?: { readonly data?: { readonly 'data-file'?: string; readonly corrupt?: boolean } };
}

async function inspect(file: string): Promise<DiskInfo> {
  const answer = await imageTool(['info', '--output=json', file]);
  if (answer.status !== 0) throw corrupt(file, said(answer.stderr));
  return JSON.parse(answer.stdout) as DiskInfo;
}

/** What qemu-img knows by no header it calls raw: an ending or a length that says otherwise is believed. */
async function formatOf(file: string, info: DiskInfo): Promise<DiskFormat> {
  if (info.format === 'qcow2') return 'qcow2';
  if (info.format !== 'raw')
    throw new Failure('vmm-unsupported', `${file} is a ${info.format} image; Argosy takes qcow2 and raw.`, {
      advice: `Convert it: qemu-img convert -O qcow2 ${file} ${basename(file).replace(/\.[^.]*$/, '')}.qcow2.`,
    });
  if (/\.qcow2?$/i.test(file)) throw corrupt(file, 'it is called qcow2 and does not begin like one');
  const { size } = statSync(file);
  if (size % sectorBytes !== 0)
    throw corrupt(
      file,
      `a raw disk is a multiple of ${sectorBytes} bytes long, and this has ${size}`,
      'Is it a disk image, or was it cut off or compressed? Unpack .xz, .gz and .zst first.',
    );
  return 'raw';
}

async function checkQcow2(file: string, info: DiskInfo): Promise<void> {
  const backing = info['backing-filename'] ?? info['format-specific']?.data?.['data-file'];
  if (backing !== undefined)
    throw new Failure('vmm-unsupported', `${file} is not whole: it needs ${backing}.`, {
      advice: `Make it whole: qemu-img convert -O qcow2 ${file} whole.qcow2.`,
    });
  const answer = await imageTool(['check', '-q', '-f', 'qcow2', file]);
  // 3: leaked clusters only, which waste room and harm nothing.
  if (answer.status !== 0 && answer.status !== 3)
    throw corrupt(
      file,
      said(answer.stderr) || said(answer.stdout) || 'qemu-img check found errors',
      'Look closer with qemu-img check, or download it again.',
    );
}

/** BIOS and UEFI disks both end their first sector with these two bytes. */
async function hasBootSector(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(sectorBytes), 0, sectorBytes, 0);
    return bytesRead === sectorBytes && buffer.readUInt16LE(510) === 0xaa55;
  } finally {
    await handle.close();
  }
}

interface Copy {
  readonly format: DiskFormat;
  readonly from: string;
  readonly to: string;
}

/** Cluster by cluster, so that holes stay holes and what cannot be read is found now. */
function copyDisk(session: Session, { format, from, to }: Copy): Promise<void> {
  return new Promise((resolveCopy, reject) => {
    const child = spawn('qemu-img', ['convert', '-p', '-f', format, '-O', format, from, to], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: session.io.signal,
    });
    let fault = '';
    child.stdout.on('data', (data: Buffer) => {
      const share = /\(([\d.]+)\/100%\)/.exec(data.toString('latin1'));
      if (share) session.progress(`copying ${basename(from)}: ${Math.floor(Number(share[1]))}%`);
    });
    child.stderr.on('data', (data: Buffer) => (fault += data.toString('utf8')));
    child.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT' ? noTool() : error));
    child.on('close', (status) => {
      session.clearProgress();
      if (status === 0) resolveCopy();
      else if (/No space left/.test(fault))
        reject(new Failure('disk-full', `There is no room for ${from} where ${to} would be.`));
      else reject(corrupt(from, said(fault) || `qemu-img ended with ${status}`));
    });
  });
}

function nameOf(file: string, named: string | undefined): string {
  if (named !== undefined) return named;
  const name = basename(file)
    .replace(/\.(qcow2?|raw|img)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return name.replace(/^-+|-+$/g, '').slice(0, 63);
}

/** Checked first, copied beside its place, and put there whole; nothing is left behind when the server refuses it. */
export async function importImage(session: Session, path: string, options: ImportOptions): Promise<Image> {
  const file = resolve(session.io.currentFolder, path);
  checkFile(file);
  const info = await inspect(file);
  const format = await formatOf(file, info);
  if (format === 'qcow2') await checkQcow2(file, info);
  else if (!(await hasBootSector(file)))
    session.note(`Warning: ${path} has no boot sector; a guest of it may find nothing to boot.`);

  const name = nameOf(file, options.name);
  const taken = (await session.api.list('image.list')).some((image) => image.name === name);
  if (taken)
    throw new Failure('name-taken', `There is an image ${name} already.`, {
      advice: 'Choose another name with --name.',
    });
  if (options.upload) return uploadImage(session, file, { name, format, options });
  const { datastore, folder } = await imagesFolder(session, options.datastore);
  const diskPath = join(folder, `${name}.${format}`);
  if (existsSync(diskPath))
    throw new Failure('name-taken', `${diskPath} exists already.`, {
      advice: 'Choose another name with --name, or remove the file if no image uses it.',
    });
  const unfinished = `${diskPath}.new-${process.pid}`;
  try {
    await copyDisk(session, { format, from: file, to: unfinished });
    renameSync(unfinished, diskPath);
  } finally {
    rmSync(unfinished, { force: true });
  }
  if (session.isForPeople) session.note(`Copied ${path} (${format}, ${bytes(info['virtual-size'])}) to ${diskPath}.`);
  const more = given({ architecture: options.architecture, minimumMemoryMiB: options.minimumMemoryMiB });
  try {
    return await session.api.call('image.create', {
      body: { name, format, firmware: options.firmware, diskPath, datastore: datastore.id, ...more },
    });
  } catch (error) {
    // An answer that did not come says nothing: the image may have been made, and then its file must stay.
    if (error instanceof Failure && !['unreachable', 'timed-out', 'interrupted'].includes(error.exit))
      rmSync(diskPath, { force: true });
    throw error;
  }
}
