import { exitStatuses } from './exit-status';
import { processIo } from './io';
import { runProgram } from './program';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Twice means now.
    if (abort.signal.aborted) process.exit(exitStatuses.interrupted.status);
    abort.abort();
  });
}
// Whoever reads the output may stop reading, as "head" does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

void runProgram(processIo(abort.signal), process.argv.slice(2)).then((status) => {
  process.exitCode = status;
  // Nothing is waited for any more: a kept-alive connection must not hold the prompt back, nor cut off what is still to be written.
  process.stdout.write('', () => process.exit(status));
});
