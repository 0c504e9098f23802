import { minuteMs, secondMs, type Instant } from '@argosy/domain/units';

/** What a value on the command line may be. `parse` answers undefined for text that does not fit `form`. */
export interface ValueType<Value> {
  readonly placeholder: string;
  /** After "must be". */
  readonly form: string;
  parse(text: string, now: Instant): Value | undefined;
}

const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: secondMs,
  m: minuteMs,
  min: minuteMs,
  h: hourMs,
  d: dayMs,
};

/** "3s", "500ms", "1h30m" in milliseconds. A bare number is refused: nobody agrees on what it would mean. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|min|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined;
  return Math.round(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitsMs[unit ?? ''] ?? NaN), 0));
}

const sizesMiB: Readonly<Record<string, number>> = {
  '': 1,
  m: 1,
  mi: 1,
  mib: 1,
  g: 1024,
  gi: 1024,
  gib: 1024,
  t: 1_048_576,
  ti: 1_048_576,
  tib: 1_048_576,
};

/** "512", "512M", "2G", "1.5GiB" in MiB. */
export function parseSizeMiB(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const factor = sizesMiB[match?.[2]?.toLowerCase() ?? '?'];
  const size = factor === undefined ? NaN : Number(match?.[1]) * factor;
  return Number.isInteger(size) ? size : undefined;
}

/** "500m" or "0.5" are half a processor, as Kubernetes writes them; "none" is no limit. */
export function parseMillicores(text: string): number | undefined {
  const thousandths = /^(\d+)m$/.exec(text);
  if (thousandths) return Number(thousandths[1]);
  const size = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) : NaN;
  return Number.isInteger(size) ? size : undefined;
}

/** A time of day is the last one that was: 14:05 asked for at 10:00 is yesterday's. */
function timeOfDay(hours: number, minutes: number, seconds: number, now: Instant): Instant | undefined {
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const at = new Date(now);
  at.setHours(hours, minutes, seconds, 0);
  if (at.getTime() > now) at.setDate(at.getDate() - 1);
  return at.getTime();
}

/** "14:05", "14:05:30", "-10m", "now", "2026-03-01", "2026-03-01 14:05", ISO 8601, or milliseconds since 1970. */
export function parseInstant(text: string, now: Instant): Instant | undefined {
  if (text === 'now') return now;
  if (/^\d{12,15}$/.test(text)) return Number(text);
  if (text.startsWith('-')) {
    const ago = parseDuration(text.slice(1));
    return ago === undefined ? undefined : now - ago;
  }
  const clock = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text);
  if (clock) return timeOfDay(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), now);
  const date = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d.*))?$/.exec(text);
  if (!date || !isDay(Number(date[1]), Number(date[2]), Number(date[3]))) return undefined;
  // Without a zone this is local time: with none and no time of day, Date.parse alone would take it for UTC.
  const at = Date.parse(`${text.slice(0, 10)}T${date[4] ?? '00:00'}`);
  return Number.isFinite(at) ? at : undefined;
}

/** Date.parse takes February the 30th for the 2nd of March. */
function isDay(year: number, month: number, day: number): boolean {
  const at = new Date(Date.UTC(year, month - 1, day));
  return at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
}

const wholeNumber = /^\d{1,15}$/;
export const valueTypes = {
  text: { placeholder: 'text', form: 'text', parse: (text) => text },
  count: {
    placeholder: 'n',
    form: 'a whole number, like 3',
    parse: (text) => (wholeNumber.test(text) ? Number(text) : undefined),
  },
  share: {
    placeholder: 'share',
    form: 'a number from 0 to 1, like 0.85, or a percentage, like 85%',
    parse: (text) => {
      const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
      const value = match ? Number(match[1]) / (match[2] ? 100 : 1) : NaN;
      return value >= 0 && value <= 1 ? value : undefined;
    },
  },
  ratio: {
    placeholder: 'ratio',
    form: 'a number from 0 to 64, like 1.5',
    parse: (text) => (/^\d{1,2}(\.\d+)?$/.test(text) && Number(text) <= 64 ? Number(text) : undefined),
  },
  duration: {
    placeholder: 'duration',
    form: 'a duration with its unit, like 500ms, 30s, 5m or 1h30m',
    parse: parseDuration,
  },
  memory: {
    placeholder: 'size',
    form: 'a size in whole MiB, like 512, 512M or 2G',
    parse: parseSizeMiB,
  },
  cpu: {
    placeholder: 'cpu',
    form: 'processors, like 2, 0.5 or 500m',
    parse: parseMillicores,
  },
  cpuLimit: {
    placeholder: 'cpu|none',
    form: 'processors, like 2, 0.5 or 500m, or none for no limit',
    parse: (text) => (text === 'none' ? null : parseMillicores(text)),
  },
  instant: {
    placeholder: 'time',
    form: 'a time, like 14:05, "2026-03-01 14:05", 2026-03-01T14:05:00Z or -10m',
    parse: parseInstant,
  },
  truth: {
    placeholder: 'true|false',
    form: 'true or false',
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  },
} as const satisfies Record<string, ValueType<unknown>>;
export type ValueTypeName = keyof typeof valueTypes;
