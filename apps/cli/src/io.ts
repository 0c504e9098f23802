import { homedir } from 'node:os';
import type { Instant } from '@argosy/domain/units';

export interface Screen {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
}

export interface Keyboard {
  readonly isTerminal: boolean;
  /** One line, or undefined at the end of the input. */
  readLine(): Promise<string | undefined>;
  /** Each key as it is pressed, until the returned function is called. */
  onKey(listener: (key: string) => void): () => void;
}

/** All that the program has of the process around it. */
export interface Io {
  readonly out: Screen;
  readonly err: Screen;
  readonly keyboard: Keyboard;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly currentFolder: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  now(): Instant;
  onResize(listener: () => void): () => void;
}

function screen(stream: NodeJS.WriteStream): Screen {
  return {
    write: (text) => void stream.write(text),
    get isTerminal() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
  };
}

function processKeyboard(): Keyboard {
  const { stdin } = process;
  return {
    isTerminal: stdin.isTTY === true,
    readLine: () =>
      new Promise((resolve) => {
        let text = '';
        const end = (line: string | undefined) => {
          stdin.off('data', read).off('end', ended).pause();
          resolve(line);
        };
        const ended = () => end(text === '' ? undefined : text);
        const read = (data: Buffer) => {
          text += data.toString('utf8');
          const newline = text.indexOf('\n');
          if (newline >= 0) end(text.slice(0, newline));
        };
        stdin.on('data', read).on('end', ended).resume();
      }),
    onKey: (listener) => {
      const read = (data: Buffer) => listener(data.toString('utf8'));
      stdin.setRawMode(true);
      stdin.on('data', read).resume();
      return () => {
        stdin.off('data', read).pause();
        stdin.setRawMode(false);
      };
    },
  };
}

export function processIo(signal: AbortSignal): Io {
  return {
    out: screen(process.stdout),
    err: screen(process.stderr),
    keyboard: processKeyboard(),
    environment: process.env,
    homeFolder: homedir(),
    currentFolder: process.cwd(),
    signal,
    now: () => Date.now(),
    onResize: (listener) => {
      process.stdout.on('resize', listener);
      return () => void process.stdout.off('resize', listener);
    },
  };
}
