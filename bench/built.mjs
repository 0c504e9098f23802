// The product's own code, as `npm run build` left it: what is compared with Argosy is set up by Argosy's own words.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * @param {string} path below dist/libs
 * @returns {any} its exports
 */
export function built(path) {
  return require(`../dist/libs/${path}`);
}
