import type { Socket } from 'node:net';

/** Console tails are the longest lines there are; a peer that sends more without an end of line is cut off. */
const maximumLineCharacters = 4 * 1024 * 1024;

/** Calls back with each line of the connection, without its end. Nothing is heard any more of one that was cut off. */
export function readLines(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (!socket.destroyed) take(line);
    if (rest.length > maximumLineCharacters) socket.destroy();
  });
}

/** undefined: it is not JSON. */
export function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
