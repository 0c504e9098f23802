import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Every process that works in a guest's folder: its VMM. Zombies hold nothing any more. */
export function guestProcesses(stateFolder: string): number[] {
  const root = `${join(stateFolder, 'vmm')}/`;
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      if (!readlinkSync(`/proc/${entry}/cwd`).startsWith(root)) return [];
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
      return state === 'Z' || state === 'X' ? [] : [Number(entry)];
    } catch {
      return [];
    }
  });
}

/** Kills them, and says how many there were. Whether they are gone, the next look tells. */
export function endGuests(stateFolder: string): number {
  const found = guestProcesses(stateFolder);
  for (const pid of found)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone meanwhile.
    }
  return found.length;
}
