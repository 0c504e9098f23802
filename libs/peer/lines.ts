import type { Socket } from 'node:net';

/**
 * Calls back with each line of the connection, without its end. A peer whose line is longer than `longest` says at that
 * moment is cut off, and nothing is heard of it any more.
 */
export function readLines(socket: Socket, take: (line: string) => void, longest: () => number): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.length > longest()) socket.destroy();
      if (socket.destroyed) return;
      take(line);
    }
    if (rest.length > longest()) socket.destroy();
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
