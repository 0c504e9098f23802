import { spawn, type ChildProcess } from 'node:child_process';

export interface ProgramPlan {
  /** What it reads; left out: nothing. */
  readonly input?: string;
  /** Left out: this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly deadlineMs: number;
}

/** `ended`: by itself or by somebody's signal. `late`: it was ended at its deadline. `not-started`: `output` says why. */
export type ProgramEnd = { readonly output: string } & (
  | { readonly how: 'ended'; readonly status: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly how: 'late' }
  | { readonly how: 'not-started' }
);

/** Of what it printed, the end. */
const keptOutputBytes = 2_000;
/** What a program printed last may still be on its way when it has ended. */
const lastOutputMs = 200;

/**
 * Runs a program that somebody else wrote, and tells how it ended, at its deadline at the latest. It has a process group of
 * its own, so that at the deadline what it started (a shell's commands, an ssh) goes with it. It has ended when it has: a
 * daemon that it leaves behind, holding its output, is waited for no longer, and is let be.
 */
export function runProgram(program: string, plan: ProgramPlan): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const begun = begin(program, plan);
    if (begun instanceof Error) return resolve({ how: 'not-started', output: begun.message });
    let output = '';
    let tail: NodeJS.Timeout | undefined;
    const settle = (end: ProgramEnd): void => {
      clearTimeout(deadline);
      clearTimeout(tail);
      for (const stream of begun.stdio) stream?.destroy();
      resolve(end);
    };
    const hear = (chunk: Buffer): void => {
      output = `${output}${chunk.toString('utf8')}`.slice(-keptOutputBytes);
    };
    begun.stdout?.on('data', hear);
    begun.stderr?.on('data', hear);
    const deadline = setTimeout(() => {
      endGroup(begun);
      settle({ how: 'late', output });
    }, plan.deadlineMs);
    begun.on('error', ({ message }) => settle({ how: 'not-started', output: message }));
    begun.on('exit', (status, signal) => {
      clearTimeout(deadline);
      const end = (): void => settle({ how: 'ended', status, signal, output });
      begun.on('close', end);
      tail = setTimeout(end, lastOutputMs);
    });
    // One that ends before it has read everything is told of by its status.
    begun.stdin?.on('error', () => undefined);
    begun.stdin?.end(plan.input ?? '');
  });
}

function begin(program: string, { environment }: ProgramPlan): ChildProcess | Error {
  try {
    return spawn(program, [], { detached: true, stdio: 'pipe', ...(environment ? { env: environment } : {}) });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Its group is its own as long as nobody has waited for it, which this process does when it hears of its end. */
function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It ended this very moment. A timer that threw would end the whole process.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
