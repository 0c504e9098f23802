/** What can be sent over the API: whole disks. */
export const uploadFormats = ['qcow2', 'raw'] as const;
export type UploadFormat = (typeof uploadFormats)[number];

/** A disk on its way to a datastore. */
export interface ImageUpload {
  readonly id: string;
  /** Of the image that is made of it. */
  readonly name: string;
  readonly format: UploadFormat;
  readonly datastoreId: string;
  readonly sizeBytes: number;
  /** What has arrived and stays, also when the connection or the controller does not. */
  readonly receivedBytes: number;
}
