/** A number as it was typed. Nothing typed is none: it fails every check, where `Number('')` would pass for 0. */
export const numberOf = (text: string): number => (text.trim() === '' ? NaN : Number(text));
