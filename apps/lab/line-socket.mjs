// Lines from a connection, as the lab's small servers take their requests.

/** @typedef {import('node:net').Socket} Socket */

const longestLineBytes = 64 * 1024;

/**
 * Nobody who means well sends a longer line: it ends the connection, before it fills the memory of a process that others need.
 * @param {Socket} socket
 * @param {(line: string) => void} take
 */
export function onLines(socket, take) {
  let rest = /** @type {Buffer} */ (Buffer.alloc(0));
  socket.on('data', (/** @type {Buffer} */ data) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      take(rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > longestLineBytes) socket.destroy();
  });
}
