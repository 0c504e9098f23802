// The command line as users have it: compiled to JavaScript, started by bin/argosy.mjs, in a folder of its own.
import { transformFileSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const repository = join(__dirname, '../..');
const sources = ['apps/cli/src', 'libs/contracts', 'libs/domain', 'libs/simulator', 'libs/control', 'libs/scheduler'];

function compile(path: string, root: string): void {
  const { code } = transformFileSync(join(repository, path), {
    cwd: repository,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      target: 'es2022',
      baseUrl: repository,
      paths: { '@argosy/*': ['libs/*'] },
    },
    module: { type: 'commonjs' },
    sourceMaps: false,
  });
  const target = join(root, 'dist', path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code);
}

/** Answers the folder, which has bin/argosy.mjs in it. */
export function buildCli(): string {
  const root = mkdtempSync(join(tmpdir(), 'argosy-cli-'));
  for (const folder of sources) {
    for (const file of readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.ts') && !file.endsWith('.spec.ts')) compile(join(folder, file), root);
    }
  }
  cpSync(join(repository, 'bin'), join(root, 'bin'), { recursive: true });
  cpSync(join(repository, 'package.json'), join(root, 'package.json'));
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  return root;
}

export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Sends SIGINT once the output has this. */
  readonly interruptAt?: RegExp;
  readonly input?: string;
}

/** Nothing of the environment around the tests reaches it. */
export function runCli(
  root: string,
  args: readonly string[],
  { environment = {}, folder = root, interruptAt, input = '' }: CliOptions = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'bin/argosy.mjs'), ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: join(root, 'home'), TZ: 'UTC', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  let out = '';
  let err = '';
  let isInterrupted = false;
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString('utf8');
    if (!interruptAt?.test(out) || isInterrupted) return;
    isInterrupted = true;
    child.kill('SIGINT');
  });
  child.stderr.on('data', (data: Buffer) => (err += data.toString('utf8')));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, out, err })));
}
