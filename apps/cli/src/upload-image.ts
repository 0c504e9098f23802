import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { uploadPartPath } from '@argosy/contracts/image-uploads';
import type { RouteResponse } from '@argosy/contracts/routes';
import type { Image } from '@argosy/domain/storage';
import type { UploadFormat } from '@argosy/domain/image-upload';
import { given } from './command';
import { Failure } from './failure';
import type { ImportOptions } from './import-image';
import { percent } from './output/units';
import type { Session } from './session';

type Upload = RouteResponse<'image.upload'>;

const partBytes = 4 * 1024 * 1024;
const retryMs = [500, 1000, 2000, 5000, 10_000];

interface Sent {
  readonly name: string;
  readonly format: UploadFormat;
  readonly options: ImportOptions;
}

/** In parts; what breaks off goes on where it stopped. What is given up is deleted. */
export async function uploadImage(session: Session, file: string, { name, format, options }: Sent): Promise<Image> {
  const { api } = session;
  const handle = await open(file);
  try {
    const { size: sizeBytes } = await handle.stat();
    const { firmware, architecture, minimumMemoryMiB, datastore } = options;
    const upload = await api.call('image.upload', {
      body: { name, format, sizeBytes, firmware, ...given({ architecture, minimumMemoryMiB, datastore }) },
    });
    const params = { upload: upload.id };
    try {
      const readPart = async (offset: number): Promise<Uint8Array> => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(partBytes), 0, partBytes, offset);
        return buffer.subarray(0, bytesRead);
      };
      await sendAll(session, upload, readPart);
      return await api.call('image.upload-finish', { params });
    } catch (error) {
      // After an answer that did not come the image may have been made; then there is nothing to give up.
      await api.call('image.upload-abort', { params }).catch(() => undefined);
      throw error;
    }
  } finally {
    session.clearProgress();
    await handle.close();
  }
}

async function sendAll(
  session: Session,
  begun: Upload,
  readPart: (offset: number) => Promise<Uint8Array>,
): Promise<void> {
  const { api } = session;
  const params = { upload: begun.id };
  const path = uploadPartPath.replace(':upload', begun.id);
  let failures = 0;
  let isKnown = true;
  for (let upload = begun; upload.receivedBytes < upload.sizeBytes;) {
    session.progress(`sending ${upload.name}: ${percent(upload.receivedBytes / upload.sizeBytes)}`);
    try {
      // After a failure only the server knows what arrived.
      if (!isKnown) upload = await api.call('image.upload-get', { params });
      isKnown = true;
      const offset = upload.receivedBytes;
      upload = (await api.sendBytes(path, { offset }, await readPart(offset))) as Upload;
      failures = 0;
    } catch (error) {
      const waitMs = retryMs[failures++];
      const isPassing = error instanceof Failure && ['unreachable', 'timed-out'].includes(error.exit);
      if (!isPassing || waitMs === undefined) throw error;
      isKnown = false;
      await sleep(waitMs);
    }
  }
}
