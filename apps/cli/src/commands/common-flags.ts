export const watchFlag = { type: 'flag', short: 'w', summary: 'go on, and print what changes' } as const;
export const waitFlag = { type: 'flag', summary: 'until it has happened; status 6 if it has not in time' } as const;
export const timeoutFlag = { type: 'duration', summary: 'how long to wait' } as const;
export const limitFlag = {
  type: 'count',
  short: 'n',
  summary: 'at most so many, the newest first (default 100)',
} as const;
export const defaultLimit = 100;
