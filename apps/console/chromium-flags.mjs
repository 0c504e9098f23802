// Of Debian's Chromium, where programs look at the console: without them it asks hosts of its maker for things at every start.

/** @type {string[]} */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
