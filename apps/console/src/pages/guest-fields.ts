import type { Guest } from '../fleet/rows';

/** A guest's settings as they stand in a form. */
export const fieldsOf = (guest: Guest) => ({
  name: guest.name,
  vcpus: String(guest.vcpus),
  memoryMiB: String(guest.memoryMiB),
  cpuReservationMillicores: String(guest.cpuReservationMillicores),
  cpuLimitMillicores: guest.cpuLimitMillicores === null ? '' : String(guest.cpuLimitMillicores),
  cpuShares: String(guest.cpuShares),
  restartPriority: guest.restartPriority as string,
  display: guest.display as string,
});
export type Fields = ReturnType<typeof fieldsOf>;

const words: ReadonlySet<string> = new Set<keyof Fields>(['name', 'restartPriority', 'display']);

/** What of that which was typed differs from the guest, as the API wants it. */
export function changesOf(guest: Guest, typed: Partial<Fields>): Record<string, string | number | null> {
  const before = fieldsOf(guest);
  const changed = Object.entries(typed).filter(([name, text]) => text !== before[name as keyof Fields]);
  return Object.fromEntries(
    changed.map(([name, text]) => [name, words.has(name) ? text : text === '' ? null : Number(text)]),
  );
}
