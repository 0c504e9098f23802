/**
 * Units are in the names: `memoryMiB`, `cpuMillicores` (1000 = one processor), `deadlineMs`. An instant is milliseconds
 * since 1970 by the clock that was passed in; the virtual clock of a simulation starts at 0.
 */
export type Instant = number;

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const mebibyte = 1024 * 1024;

/** "1.25 s", "40 ms": for people, in messages and tables. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60 * secondMs) return `${(durationMs / 1000).toFixed(2)} s`;
  return `${Math.floor(durationMs / minuteMs)} min ${Math.round((durationMs % minuteMs) / 1000)} s`;
}

/** "3.2 GiB", "640 MiB": for people. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`;
}

/** A reason as a sentence of its own: refusals end with a full stop, other reasons do not. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
