import { uploadFormats, type ImageUpload } from '@argosy/domain/image-upload';
import { z } from 'zod';
import { newImageShape } from './bodies';
import { describes } from './describes';
import { oneOf, referenceField, strictBody, wholeNumber } from './fields';
import { imageSchema } from './responses';
import type { Route } from './routes';

/** A part of a file is sent at once: as large as this at most. */
export const mostPartBytes = 8 * 1024 * 1024;
const tebibyte = 1024 ** 4;

/** PATCH it with `?offset=` and the bytes that come there, as application/octet-stream. Answers the upload. */
export const uploadPartPath = '/api/v1/image-uploads/:upload';
export const uploadPartQuery = strictBody({
  offset: z.coerce
    .number({ error: 'must be a whole number of bytes' })
    .int('must be a whole number of bytes')
    .min(0, 'must be a whole number of bytes')
    .describe('Where in the file these bytes come: after those that have arrived.'),
});

const { name, architecture, firmware, minimumMemoryMiB, datastore } = newImageShape.shape;
export const newUploadBody = strictBody({
  name,
  format: oneOf(uploadFormats),
  sizeBytes: wholeNumber(512, 16 * tebibyte, 'bytes').describe('How long the whole file is.'),
  architecture,
  firmware,
  minimumMemoryMiB,
  datastore,
});

export const imageUploadSchema = describes<ImageUpload>()(
  z.object({
    id: z.string(),
    name: z.string(),
    format: z.enum(uploadFormats),
    datastoreId: z.string(),
    sizeBytes: z.number(),
    receivedBytes: z.number(),
  }),
);

const upload = strictBody({ upload: referenceField.describe('An upload, by its id.') });

/** A disk is sent in parts, each after the other; what arrived stays, and an upload that broke off goes on from there. */
// prettier-ignore
export const uploadRoutes = {
  'image.upload': {
    method: 'POST', path: '/image-uploads', tag: 'images', access: 'operator', status: 201,
    summary: 'Begin to send a disk to a shared datastore, of which an image is to be made', body: newUploadBody, response: imageUploadSchema,
  },
  'image.upload-get': {
    method: 'GET', path: '/image-uploads/:upload', tag: 'images', access: 'operator', status: 200,
    summary: 'Say how much of an upload has arrived', params: upload, response: imageUploadSchema,
  },
  'image.upload-finish': {
    method: 'POST', path: '/image-uploads/:upload/finish', tag: 'images', access: 'operator', status: 201,
    summary: 'Check a disk that has arrived whole, and make the image', params: upload, response: imageSchema,
  },
  'image.upload-abort': {
    method: 'DELETE', path: '/image-uploads/:upload', tag: 'images', access: 'operator', status: 204,
    summary: 'Give an upload up, and delete what has arrived', params: upload,
  },
} as const satisfies Record<string, Route>;
