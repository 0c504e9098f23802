// The command line inside the test's own process: fast, and with a terminal that a test can look at.
import type { Io } from '../../apps/cli/src/io';
import { runProgram } from '../../apps/cli/src/program';

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** With one: standard output, error and input are terminals, and these lines are typed. */
  readonly typed?: readonly string[];
  /** Presses Ctrl-C once the output has this. */
  readonly interruptAt?: RegExp;
  /** The same for what is said beside the output: progress. */
  readonly interruptAtNote?: RegExp;
  /** Pressed, one after the other, once a screen is drawn. */
  readonly keys?: readonly string[];
}

export async function runInProcess(
  args: readonly string[],
  { environment = {}, folder = '/', typed, interruptAt, interruptAtNote, keys }: Surroundings = {},
): Promise<Ran> {
  const abort = new AbortController();
  const isTerminal = typed !== undefined || keys !== undefined;
  const lines = [...(typed ?? [])];
  const written = { out: '', err: '' };
  const screen = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text;
      if (interruptAt?.test(written.out) || interruptAtNote?.test(written.err)) abort.abort();
    },
    isTerminal,
    columns: 100,
    rows: 30,
  });
  const io: Io = {
    out: screen('out'),
    err: screen('err'),
    keyboard: {
      isTerminal,
      readLine: async () => lines.shift(),
      onKey: (listener) => {
        const timer = setTimeout(() => keys?.forEach(listener), 1200);
        return () => clearTimeout(timer);
      },
    },
    environment,
    homeFolder: '/nonexistent',
    currentFolder: folder,
    signal: abort.signal,
    now: () => Date.now(),
    onResize: () => () => undefined,
  };
  const status = await runProgram(io, args);
  return { status, ...written };
}
