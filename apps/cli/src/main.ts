import { exitStatuses } from './exit-status';
import { processIo } from './io';
import { runProgram } from './program';

// A secret among the arguments would stand in the list of processes, for every user to read, as long as this one runs.
if (process.argv.some((argument) => /^--token(=|$)/.test(argument))) process.title = 'argosy';

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
