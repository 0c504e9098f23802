/** Figures as people read them. */
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** 20,000. */
export const figure = (value: number): string => number.format(value);

export function count(value: number, one: string, many = `${one}s`): string {
  return `${number.format(value)} ${value === 1 ? one : many}`;
}

export function mebibytes(value: number): string {
  if (value >= 1_048_576) return `${number.format(value / 1_048_576)} TiB`;
  return value >= 1024 ? `${number.format(value / 1024)} GiB` : `${number.format(value)} MiB`;
}

export const bytes = (value: number): string =>
  value < 1_048_576 && value !== 0 ? `${number.format(value / 1024)} KiB` : mebibytes(value / 1_048_576);

/** 1000 millicores are one processor. */
export function processors(millicores: number): string {
  return millicores >= 10_000 ? `${number.format(millicores / 1000)} CPUs` : `${Math.round(millicores)} m`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${number.format(ms / 1000)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dateAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** The time of today, and the date with it of any other day. */
export function instant(at: number): string {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return (isToday ? time : dateAndTime).format(at);
}

export const wholeInstant = (at: number): string => dateAndTime.format(at);
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
