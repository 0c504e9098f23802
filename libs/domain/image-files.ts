import type { Image } from './storage';
import { accepted, refused, type Result } from './refusal';

export type ImageFiles = Partial<Pick<Image, 'kernelPath' | 'initrdPath' | 'diskPath'>>;

/** Folders of a datastore that are Argosy's own: what lies there is some guest's or some host's, and no image. */
const ownFolders: readonly (string | undefined)[] = ['bases', 'guests', 'heartbeats', 'isolated', 'leases'];

const steps = (path: string): string[] => path.split('/').filter((step) => step !== '' && step !== '.');

/** By their text: whether that path is of a file below the datastore, where no file is a guest's or a host's. */
export function isImagePath(path: string, datastorePath: string): boolean {
  const [file, folder] = [steps(path), steps(datastorePath)];
  if (!path.startsWith('/') || file.includes('..') || file.length <= folder.length) return false;
  return folder.every((step, at) => step === file[at]) && !ownFolders.includes(file[folder.length]);
}

export function outsideDatastore(what: string, datastorePath: string): Result<never> {
  const message = `${what} is no file for images: an image's files lie below its datastore's folder, ${datastorePath}, and in none of the folders there that Argosy keeps for guests and hosts. Copy it to ${datastorePath}/images.`;
  return refused('image-outside-datastore', message);
}

/** An image is read by every guest of it: what may be one is what was put on a datastore to be one, and no other file of a host. */
export function checkImageFiles(files: ImageFiles, datastorePath: string): Result<null> {
  for (const key of ['kernelPath', 'initrdPath', 'diskPath'] as const) {
    const path = files[key] ?? null;
    if (path !== null && !isImagePath(path, datastorePath)) return outsideDatastore(`${key} ${path}`, datastorePath);
  }
  return accepted(null);
}

/** Of a multiboot kernel QEMU takes each comma in -initrd for the end of a path, and what follows a space for a command line. */
export function isInitrdPath(path: string): boolean {
  return !/[,\s]/.test(path);
}
