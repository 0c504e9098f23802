import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Fleet } from '../fleet/lab';
import { waitFor } from '../fleet/lab-processes';
import { courseOf, type SoakGuest, sumsOf } from './soak-guest';

/** Each clone is started, asked for the data that it must have from its source, and removed. */
export async function cloneFaults(fleet: Fleet, guests: readonly SoakGuest[]): Promise<string[]> {
  const { items } = await fleet.api.call('guest.list');
  const faults: string[] = [];
  for (const { name, clonedFrom } of items.filter((each) => each.clonedFrom !== null)) {
    const source = guests.find((each) => each.name === clonedFrom);
    try {
      if (!source) throw new Error(`it was made from ${clonedFrom}, which nobody knows`);
      await fleet.api.call('guest.start', { params: { guest: name } });
      const clone = await fleet.openGuest(name);
      await courseOf(source.copyOf(name), sumsOf(clone));
      await fleet.removeGuest(clone);
    } catch (error) {
      faults.push(`${name}, cloned from ${clonedFrom}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return faults;
}

/** With nothing under way, every file is somebody's, and on the datastore where that one's row says that it is. */
export async function leftOver(fleet: Fleet): Promise<string[]> {
  const look = async (): Promise<string[]> => {
    const { items } = await fleet.api.call('guest.list');
    const datastores = (await fleet.api.call('datastore.list')).items;
    const bases = new Set(items.flatMap(({ basePaths }) => basePaths));
    const left = datastores.flatMap(({ id, path }) => {
      const guests = new Set(items.flatMap((each) => (each.datastoreId === id ? [each.id] : [])));
      return [
        ...filesIn(join(path, 'guests')).filter((file) => !guests.has(basename(file))),
        ...filesIn(join(path, 'bases')).filter((file) => !bases.has(file)),
      ];
    });
    return left.map((path) => `${path} is nobody's`);
  };
  return waitFor('nothing is left over', async () => (await look()).length === 0 && [], { deadlineMs: 20_000 }).catch(
    look,
  );
}

const filesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
