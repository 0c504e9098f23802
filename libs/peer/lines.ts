import type { Socket } from 'node:net';

/** Console tails are the longest lines there are; a peer that sends more without an end of line is cut off. */
const maximumLineBytes = 4 * 1024 * 1024;

/** Calls back with each line of the connection, without its end. */
export function readLines(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maximumLineBytes) socket.destroy(new Error(`a line of more than ${maximumLineBytes} bytes`));
    for (const line of lines) take(line);
  });
}
