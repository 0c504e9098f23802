import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buildCli, type CliOptions, type Ended, runCli } from './built-cli';
import { useCli } from './cli-bench';

jest.setTimeout(60_000);

// As users have it: compiled, in a process of its own.
const cli = useCli();
let root: string;
beforeAll(() => {
  root = buildCli();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function argosy(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return runCli(root, args, { ...options, environment: cli.environment });
}

test('it prints, and its status is that of what it did', async () => {
  expect(await argosy(['guest', 'list', '-o', 'name'])).toEqual({
    status: 0,
    out: 'guest/web\nguest/db\n',
    err: '',
  });
  expect(await argosy(['guest', 'show', 'nobody'])).toMatchObject({ status: 5, out: '' });
});

test('Ctrl-C ends a watch', async () => {
  const { status, err } = await argosy(['guest', 'list', '--watch'], { interruptAt: /db/ });
  expect({ status, err }).toEqual({ status: 0, err: '' });
});

test('where it is not built, it says what to do', async () => {
  mkdirSync(join(cli.scratch, 'bin'));
  copyFileSync(join(root, 'bin/argosy.mjs'), join(cli.scratch, 'bin/argosy.mjs'));
  expect(await runCli(cli.scratch, ['guest', 'list'])).toMatchObject({
    status: 9,
    err: expect.stringContaining('npm run build') as string,
  });
});

test('the completion script works in bash', async () => {
  mkdirSync(join(cli.scratch, 'bin'));
  writeFileSync(
    join(cli.scratch, 'bin/argosy'),
    `#!/bin/sh\nexec ${process.execPath} ${join(root, 'bin/argosy.mjs')} "$@"\n`,
    { mode: 0o755 },
  );
  const script =
    'source <(argosy completion bash); COMP_WORDS=(argosy guest st); COMP_CWORD=2; _argosy; echo "${COMPREPLY[@]}"';
  const out = execFileSync('bash', ['-c', script], {
    env: { PATH: `${join(cli.scratch, 'bin')}:${process.env['PATH']}`, HOME: cli.scratch },
  });
  expect(out.toString()).toBe('start stop\n');
});

test('a token that is given on the command line does not stay where every user sees it', async () => {
  const silent = createServer((socket) => void socket.on('error', () => undefined));
  const asked = new Promise((resolve) => silent.once('connection', resolve));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const words = ['guest', 'list', '--server', `127.0.0.1:${port}`, '--token', 'a-secret-of-somebody'];
  const child = spawn(process.execPath, [join(root, 'bin/argosy.mjs'), ...words], { stdio: 'ignore' });
  try {
    await asked;
    expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).not.toContain('a-secret-of-somebody');
  } finally {
    child.kill('SIGKILL');
    silent.close();
  }
});
