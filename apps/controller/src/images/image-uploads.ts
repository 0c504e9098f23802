import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Datastore, Image } from '@argosy/domain/storage';
import type { FleetRequest, NewImage } from '@argosy/domain/fleet-request';
import type { ImageUpload, UploadFormat } from '@argosy/domain/image-upload';
import { accepted, refused, type RefusalCode, type Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { faultOfHeader, headerBytes } from './disk-header';

/** What is asked for, beside the file itself. */
export interface NewUpload extends Pick<NewImage, 'name' | 'architecture' | 'firmware' | 'minimumMemoryMiB'> {
  readonly format: UploadFormat;
  readonly sizeBytes: number;
}

export interface UploadPorts {
  readonly datastores: () => Iterable<Datastore>;
  readonly images: () => Iterable<Image>;
  readonly request: (actor: string, request: FleetRequest) => Promise<Result<unknown>>;
  readonly now: () => Instant;
}

interface Found {
  readonly plan: NewUpload;
  readonly datastore: Datastore;
  /** The part that has arrived. */
  readonly file: string;
  readonly planFile: string;
  readonly diskPath: string;
}

const mostAtOnce = 8;
const abandonedMs = 86_400_000;
const planOf = /^\.upload-([0-9a-f-]{36})\.json$/;
/** After these nobody knows whether the image was made. */
const unsure: readonly RefusalCode[] = ['deadline-passed', 'store-unavailable', 'not-leader', 'queue-unavailable'];

const fileError = (error: unknown): NodeJS.ErrnoException => error as NodeJS.ErrnoException;
const sizeOf = (file: string): Promise<number | null> =>
  stat(file).then(
    ({ size }) => size,
    () => null,
  );

/**
 * Disks that are sent in parts to a shared datastore, where this controller writes them beside their place. All that is known
 * of an upload lies there too, so that it goes on after the loss of the connection or of the controller.
 */
export class ImageUploads {
  private readonly busy = new Set<string>();

  constructor(private readonly ports: UploadPorts) {}

  async begin(datastore: Datastore, plan: NewUpload): Promise<Result<ImageUpload>> {
    if (!datastore.shared)
      return refused(
        'datastore-not-reached',
        `${datastore.name} is one host's own, which controllers do not reach: choose a shared datastore, or run "argosy image import" on that host.`,
      );
    const folder = join(datastore.path, 'images');
    const taken = this.isTaken(plan.name, join(folder, `${plan.name}.${plan.format}`));
    if (taken) return taken;
    try {
      await mkdir(folder, { recursive: true });
      const unfinished = await this.removeAbandoned(folder);
      if (unfinished >= mostAtOnce)
        return refused(
          'in-use',
          `${unfinished} uploads to ${datastore.name} are unfinished; finish one, or give it up.`,
        );
      const free = await statfs(folder);
      const freeBytes = free.bavail * free.bsize;
      if (plan.sizeBytes > freeBytes)
        return refused(
          'disk-full',
          `${datastore.name} has ${freeBytes} bytes free, and the disk needs ${plan.sizeBytes}.`,
        );
      if (await sizeOf(join(folder, `${plan.name}.${plan.format}`)))
        return refused(
          'name-taken',
          `A file ${plan.name}.${plan.format} is on ${datastore.name} already; choose another name.`,
        );
      const id = randomUUID();
      await writeFile(join(folder, `.upload-${id}`), '', { mode: 0o644, flag: 'wx' });
      await writeFile(join(folder, `.upload-${id}.json`), JSON.stringify(plan), { mode: 0o600, flag: 'wx' });
      return accepted(uploadOf(id, plan, datastore, 0));
    } catch (error) {
      return unwritable(datastore, error);
    }
  }

  async get(id: string): Promise<ImageUpload | null> {
    const found = await this.find(id);
    return found && uploadOf(id, found.plan, found.datastore, await received(found));
  }

  /** Bytes that come at `offset`. null: there is no such upload. */
  async write(id: string, offset: number, bytes: Buffer): Promise<Result<ImageUpload> | null> {
    const found = await this.find(id);
    if (!found) return null;
    return this.alone(id, async () => {
      const { plan, datastore } = found;
      const before = await received(found);
      if (offset !== before)
        return refused('invalid-request', `${before} bytes have arrived: send what comes after them.`, {
          receivedBytes: before,
        });
      if (before + bytes.length > plan.sizeBytes)
        return refused('invalid-request', `These bytes go beyond the ${plan.sizeBytes} that were announced.`);
      if (before === 0 && bytes.length < Math.min(headerBytes, plan.sizeBytes))
        return refused(
          'invalid-request',
          `The first part must have ${headerBytes} bytes at least: they say what it is.`,
        );
      // Said at once, and not after hours.
      const fault = before === 0 ? faultOfHeader(bytes.subarray(0, headerBytes), plan.format, plan.sizeBytes) : null;
      if (fault) return refused('image-corrupt', `${plan.name} is no image to boot from: ${fault}.`);
      try {
        const handle = await open(found.file, 'r+');
        try {
          // Less is written where room ends.
          const { bytesWritten } = await handle.write(bytes, 0, bytes.length, before);
          return accepted(uploadOf(id, plan, datastore, before + bytesWritten));
        } finally {
          await handle.close();
        }
      } catch (error) {
        return unwritable(datastore, error);
      }
    });
  }

  /** Checks what has arrived, puts it into its place and makes the image. May be asked again. null: there is no such upload. */
  async finish(id: string, actor: string): Promise<Result<Image> | null> {
    const found = await this.find(id);
    if (!found) return null;
    return this.alone(id, async () => {
      const { plan, datastore, file, planFile, diskPath } = found;
      const size = await sizeOf(file);
      if (size !== null) {
        if (size !== plan.sizeBytes)
          return refused('invalid-request', `${size} of ${plan.sizeBytes} bytes have arrived; send the rest first.`, {
            receivedBytes: size,
          });
        try {
          const fault = await faultOfFile(file, plan);
          if (fault) return refused('image-corrupt', `${plan.name} is no image to boot from: ${fault}.`);
          await link(file, diskPath);
          await rm(file);
        } catch (error) {
          if (fileError(error).code === 'EEXIST')
            return refused('name-taken', `${diskPath} exists already; give this up, and choose another name.`);
          return unwritable(datastore, error);
        }
      }
      const answer = await this.makeImage(actor, plan, datastore, diskPath);
      if (answer.ok) await rm(planFile, { force: true });
      else if (!unsure.includes(answer.refusal.code)) await rename(diskPath, file);
      return answer;
    });
  }

  /** Value: whether there was one. */
  async abort(id: string): Promise<Result<boolean>> {
    const found = await this.find(id);
    if (!found) return accepted(false);
    return this.alone(id, async () => {
      await rm(found.file, { force: true });
      await rm(found.planFile, { force: true });
      return accepted(true);
    });
  }

  private async makeImage(
    actor: string,
    { sizeBytes: _, ...plan }: NewUpload,
    datastore: Datastore,
    diskPath: string,
  ): Promise<Result<Image>> {
    const image = { ...plan, diskPath, datastore: datastore.id };
    const answer = (await this.ports.request(actor, { kind: 'image.create', image })) as Result<Image>;
    // An answer to an earlier call was lost.
    const made = [...this.ports.images()].find((each) => each.name === plan.name && each.diskPath === diskPath);
    return made && !answer.ok ? accepted(made) : answer;
  }

  private isTaken(name: string, diskPath: string): Result<never> | null {
    const other = [...this.ports.images()].find((image) => image.name === name || image.diskPath === diskPath);
    return other ? refused('name-taken', `There is an image ${other.name} already; choose another name.`) : null;
  }

  private async find(id: string): Promise<Found | null> {
    if (!planOf.test(`.upload-${id}.json`)) return null;
    for (const datastore of this.ports.datastores()) {
      if (!datastore.shared) continue;
      const folder = join(datastore.path, 'images');
      const planFile = join(folder, `.upload-${id}.json`);
      const text = await readFile(planFile, 'utf8').catch(() => null);
      if (text === null) continue;
      const plan = JSON.parse(text) as NewUpload;
      return {
        plan,
        datastore,
        planFile,
        file: join(folder, `.upload-${id}`),
        diskPath: join(folder, `${plan.name}.${plan.format}`),
      };
    }
    return null;
  }

  private async alone<Value>(id: string, act: () => Promise<Result<Value>>): Promise<Result<Value>> {
    if (this.busy.has(id)) return refused('in-use', 'Another call for this upload is being answered; wait for it.');
    this.busy.add(id);
    try {
      return await act();
    } finally {
      this.busy.delete(id);
    }
  }

  /** Value: how many unfinished ones stay. */
  private async removeAbandoned(folder: string): Promise<number> {
    let left = 0;
    for (const name of await readdir(folder)) {
      const [, id] = planOf.exec(name) ?? [];
      if (id === undefined) continue;
      const files = [join(folder, `.upload-${id}`), join(folder, name)];
      const times = await Promise.all(files.map((file) => stat(file).catch(() => null)));
      const touchedAt = Math.max(...times.map((each) => each?.mtimeMs ?? 0));
      if (this.ports.now() - touchedAt < abandonedMs || this.busy.has(id)) left += 1;
      else for (const file of files) await rm(file, { force: true });
    }
    return left;
  }
}

function uploadOf(id: string, plan: NewUpload, { id: datastoreId }: Datastore, receivedBytes: number): ImageUpload {
  const { name, format, sizeBytes } = plan;
  return { id, name, format, datastoreId, sizeBytes, receivedBytes };
}

/** One whose file is in its place has arrived whole. */
async function received({ file, plan }: Found): Promise<number> {
  return (await sizeOf(file)) ?? plan.sizeBytes;
}

async function faultOfFile(file: string, { format, sizeBytes }: NewUpload): Promise<string | null> {
  const handle = await open(file, 'r+');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    await handle.sync();
    return faultOfHeader(buffer.subarray(0, bytesRead), format, sizeBytes);
  } finally {
    await handle.close();
  }
}

function unwritable({ name, path }: Datastore, error: unknown) {
  const { code, message } = fileError(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return refused(
      'disk-full',
      `${name} is full. Make room; what has arrived stays, and the upload goes on from there.`,
    );
  return refused(
    'datastore-not-reached',
    `${name} at ${path} cannot be written to by this controller (${code ?? message}): it has to be mounted here too.`,
  );
}
