import { setFlagsFromString } from 'node:v8';

/*
 * Before anything else is loaded. A guest that is just being moved stands still for whatever V8 is about. A live heap of a few MiB is all
 * that guests need beside their memories: it may grow to ten times that before it is looked through for garbage, which takes some
 * milliseconds. And the code of a move is compiled when the process starts, and kept: not in the standstill of the first move, or of
 * the first for long. One that a later V8 does not know it says so in the log, and goes on.
 */
for (const option of [
  '--heap-growing-percent=900',
  '--no-lazy',
  '--no-lazy-feedback-allocation',
  '--no-flush-bytecode',
])
  setFlagsFromString(option);
