import { uploadPartPath } from '@argosy/contracts/image-uploads';
import type { RouteCall, RouteResponse } from '@argosy/contracts/routes';
import { authorization, call, refusalOf } from './client';
import { ApiError, unreachable } from './error';

export type NewUpload = RouteCall<'image.upload'>['body'];
type Upload = RouteResponse<'image.upload'>;

/** Small enough to arrive within the server's time over a slow line. */
const partBytes = 4 * 1024 * 1024;
const retryMs = [500, 1000, 2000, 5000, 10_000];
/** What may be otherwise in a moment: the controller is away, another leads, or others send much. */
const passing = ['unreachable', 'not-leader', 'store-unavailable', 'too-many-requests', 'in-use', 'unexpected-answer'];

export interface UploadWatch {
  readonly signal: AbortSignal;
  readonly begun: (upload: Upload) => void;
  readonly progress: (receivedBytes: number, problem: string | null) => void;
}

/**
 * Sends a disk in parts, and makes the image of it. What breaks off is gone on with by itself a few times; after that it
 * throws, and `upload` goes on with the same one.
 */
export async function uploadDisk(
  file: Blob,
  plan: NewUpload,
  { signal, begun, progress }: UploadWatch,
  before: Upload | null = null,
): Promise<RouteResponse<'image.upload-finish'>> {
  let upload = before ?? (await call('image.upload', { body: plan }, { signal }));
  begun(upload);
  let failures = 0;
  let isKnown = before === null;
  for (;;) {
    try {
      // After a failure only the server knows what arrived.
      if (!isKnown) upload = await call('image.upload-get', { params: { upload: upload.id } }, { signal });
      isKnown = true;
      progress(upload.receivedBytes, null);
      if (upload.receivedBytes === file.size)
        return await call('image.upload-finish', { params: { upload: upload.id } }, { signal });
      upload = await sendPart(upload, file, signal);
      failures = 0;
    } catch (error) {
      const isPassing = error instanceof ApiError && passing.includes(error.code);
      const waitMs = retryMs[failures++];
      if (signal.aborted || !isPassing || waitMs === undefined) throw error;
      progress(upload.receivedBytes, error.message);
      isKnown = false;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

async function sendPart({ id, receivedBytes }: Upload, file: Blob, signal: AbortSignal): Promise<Upload> {
  const url = `${uploadPartPath.replace(':upload', encodeURIComponent(id))}?offset=${receivedBytes}`;
  const response = await fetch(url, {
    method: 'PATCH',
    headers: { ...authorization(), 'content-type': 'application/octet-stream' },
    body: file.slice(receivedBytes, receivedBytes + partBytes),
    signal,
  }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw unreachable();
  });
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as Upload;
}
