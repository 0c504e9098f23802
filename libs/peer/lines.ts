import type { Socket } from 'node:net';

const newLine = 10;

/**
 * Calls back with each line of the connection, without its end. A peer whose line is longer than `longest` says at that
 * moment is cut off, and nothing is heard of it any more. What is returned ends that: it gives what has come after the last
 * line, and whatever comes from then on is the caller's to read.
 */
export function readLines(socket: Socket, take: (line: string) => void, longest: () => number): () => Buffer {
  let rest: Buffer = Buffer.alloc(0);
  let isOver = false;
  const read = (chunk: Buffer): void => {
    let searched = rest.length;
    rest = searched === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (!isOver && !socket.destroyed) {
      const end = rest.indexOf(newLine, searched);
      if ((end < 0 ? rest.length : end) > longest()) return void socket.destroy();
      if (end < 0) return;
      const line = rest.toString('utf8', 0, end);
      rest = rest.subarray(end + 1);
      searched = 0;
      take(line);
    }
  };
  socket.on('data', read);
  return () => {
    isOver = true;
    socket.pause();
    socket.off('data', read);
    return rest;
  };
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
