import { spawn } from 'node:child_process';

const longestMs = 20_000;
const keptBytes = 2_000;

/**
 * A program of the administrator's own (disks' SMART values, memory errors, a UPS): it ends with 0 while the host is
 * well. Anything else is a host that is about to fail, and the last line that it printed says why.
 */
export function checkHealth(program: string): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, [], { stdio: ['ignore', 'pipe', 'pipe'], timeout: longestMs, killSignal: 'SIGKILL' });
    let output = '';
    const hear = (chunk: Buffer): void => {
      output = `${output}${chunk.toString('utf8')}`.slice(-keptBytes);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', (error) => resolve(`the health check cannot be run: ${error.message}`));
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(null);
      const ended = signal === null ? `it ended with status ${status}` : `it was ended after ${longestMs / 1000} s`;
      resolve(output.trim().split('\n').at(-1) || `the health check says nothing; ${ended}`);
    });
  });
}
