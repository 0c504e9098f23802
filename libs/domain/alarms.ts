/** What tells of something that is over by itself at once, and is to be seen by somebody all the same. Every other ends with what it is of. */
export const alarmsUntilSeen: ReadonlySet<string> = new Set(['record-behind', 'term-behind']);
