import type { Duplex } from 'node:stream';

/** Two connections become one: what comes of either goes to the other, and the end of either is the end of both. */
export function splice(one: Duplex, other: Duplex): void {
  follow(one, other);
  follow(other, one);
}

function follow(source: Duplex, target: Duplex): void {
  source.pipe(target);
  source.on('error', () => source.destroy());
  // What came before an end in order still goes out.
  source.on('close', () => {
    if (!target.writableEnded) target.destroy();
  });
}
