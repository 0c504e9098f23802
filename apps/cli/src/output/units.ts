import { formatDuration, minuteMs, secondMs, type Instant } from '@argosy/domain/units';

export const nothing = '-';

/** "3.20 s", or a dash: of measurements. */
export function duration(durationMs: number | null | undefined): string {
  return durationMs === null || durationMs === undefined ? nothing : formatDuration(durationMs);
}

/** "45s", "12m", "5h10m", "3d4h": of ages, where two digits are enough. */
export function age(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / secondMs));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(durationMs / minuteMs);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 || hours >= 10 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 || days >= 10 ? `${days}d` : `${days}d${hours % 24}h`;
}

export function ageOf(at: Instant | null, now: Instant): string {
  return at === null ? nothing : age(now - at);
}

/** "512 MiB", "1.5 GiB" */
export function memory(sizeMiB: number): string {
  if (sizeMiB < 1024) return `${Math.round(sizeMiB)} MiB`;
  const gib = sizeMiB / 1024;
  return gib < 1024 ? `${trim(gib)} GiB` : `${trim(gib / 1024)} TiB`;
}

/** "320m" of a processor, "2" processors; "1.5" */
export function cpu(millicores: number | null | undefined): string {
  if (millicores === null || millicores === undefined) return nothing;
  return millicores < 1000 ? `${Math.round(millicores)}m` : trim(millicores / 1000);
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
export function bytes(count: number): string {
  const power = count < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log2(count) / 10));
  return `${trim(count / 1024 ** power)} ${byteUnits[power]}`;
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function trim(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1).replace(/\.?0+$/, '');
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Local time to the second; the day too unless it is today. */
export function clock(at: Instant | null, now: Instant): string {
  if (at === null) return nothing;
  const moment = new Date(at);
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}`;
  const isToday = moment.toDateString() === new Date(now).toDateString();
  return isToday ? time : `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${time}`;
}

/** Local time with its date, to the millisecond and with its distance from UTC: for a single object. */
export function exactTime(at: Instant | null): string {
  if (at === null) return nothing;
  const moment = new Date(at);
  const offset = -moment.getTimezoneOffset();
  const local = new Date(at + offset * minuteMs).toISOString().slice(0, -1).replace('T', ' ');
  return `${local} ${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
}

/** A UUID's first group is enough for people to tell rows apart, and commands take it; -o wide and json have it all. */
export function shortId(id: string): string {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(id) ? id.slice(0, 8) : id;
}
