// TCP ports on the loopback address.

import { createServer } from 'node:net';
import { errorCode } from './processes.mjs';

/**
 * @param {number} port 0 asks the system for any free one
 * @returns {Promise<number | undefined>} the port, or undefined if it is taken or not ours to take
 */
function tryPort(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (['EADDRINUSE', 'EACCES'].includes(errorCode(error))) resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}

/**
 * The preferred port, or the next free one after it; with 0, any. It is free now, and nothing keeps it so: who
 * binds it must be ready to ask again.
 * @param {number} [preferred]
 * @returns {Promise<number>}
 */
export async function freePort(preferred = 0) {
  const last = preferred === 0 ? 0 : Math.min(preferred + 200, 65535);
  for (let port = preferred; port <= last; port += 1) {
    const found = await tryPort(port);
    if (found !== undefined) return found;
  }
  throw new Error(`no free port on 127.0.0.1 from ${preferred} to ${last}`);
}
