const units: Readonly<Record<string, string>> = {
  Ms: 'ms',
  MiB: 'MiB',
  MiBPerSecond: 'MiB/s',
  Millicores: 'millicores',
  Share: 'share, 0 to 1',
};

/** `copyDeadlineMs` as people read it: "Copy deadline (ms)". */
export function wordsOf(field: string): string {
  const [unit] = Object.keys(units)
    .filter((each) => field.endsWith(each))
    .sort((one, other) => other.length - one.length);
  const stem = unit === undefined ? field : field.slice(0, -unit.length);
  const words = stem.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
  const title = (words.charAt(0).toUpperCase() + words.slice(1)).replace(/\bcpu\b/gi, 'CPU');
  return unit === undefined ? title : `${title} (${units[unit]})`;
}
