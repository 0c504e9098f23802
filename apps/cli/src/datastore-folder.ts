import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Datastore } from '@argosy/domain/storage';
import { Failure } from './failure';
import type { Session } from './session';

async function choose(session: Session, named: string | undefined): Promise<Datastore> {
  if (named !== undefined) return session.api.call('datastore.get', { params: { id: named } });
  const all = await session.api.list('datastore.list');
  const [first] = all;
  if (first === undefined)
    throw new Failure('unknown-datastore', 'There is no datastore yet.', {
      advice: 'Make one: argosy datastore create <name> --path <folder> --shared.',
    });
  if (all.length === 1) return first;
  throw new Failure('usage', `There are ${all.length} datastores: ${all.map(({ name }) => name).join(', ')}.`, {
    advice: 'Say which with --datastore.',
  });
}

/** Where images are kept on a datastore that this machine can write to. */
export async function imagesFolder(
  session: Session,
  named: string | undefined,
): Promise<{ readonly datastore: Datastore; readonly folder: string }> {
  const datastore = await choose(session, named);
  try {
    accessSync(datastore.path, constants.W_OK);
    const folder = join(datastore.path, 'images');
    mkdirSync(folder, { recursive: true });
    return { datastore, folder };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice =
      code === 'ENOENT'
        ? 'Run this where the datastore is, or copy the file there and use "argosy image create".'
        : 'Run this as the user that the datastore belongs to.';
    throw new Failure(
      code === 'ENOENT' ? 'no-file' : 'forbidden',
      `Datastore ${datastore.name} is at ${datastore.path}, which cannot be written to here (${code}).`,
      { advice },
    );
  }
}
