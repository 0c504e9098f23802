import { execFileSync } from 'node:child_process';
import { commands } from './commands';
import { complete, completionScript, shells } from './completion';

const names = async (kind: string) => (kind === 'host' ? ['h1', 'h2'] : kind === 'guest' ? ['web', 'db'] : []);
const at = (line: string) => complete(line.split(' '), commands, names);

test.each([
  ['gu', ['guest']],
  ['guest st', ['start', 'stop']],
  ['host maintenance ', ['enter', 'exit']],
  ['guest start ', ['web', 'db']],
  ['guest start web d', ['db']],
  ['guest migrate web --to ', ['h1', 'h2']],
  ['guest migrate web --to=h', ['--to=h1', '--to=h2']],
  ['guest migrate web --t', ['--to', '--timeout', '--token', '--token-file']],
  ['guest list -o j', ['json']],
  ['-o json guest l', ['list']],
  ['drill run ', ['host-loss', 'agent-loss', 'guest-crash', 'link-cut', 'link-slow']],
  ['drill run host-loss --host h', ['h1', 'h2']],
  ['rule create r --guests web,', ['web,web', 'web,db']],
  ['lab power off h', ['h1', 'h2']],
  ['completion ', [...shells]],
  ['nonsense x', []],
])('%j', async (line, expected) => expect(await at(line)).toEqual(expected));

test('nothing hidden is offered', async () => {
  expect(await at('')).not.toContain('__complete');
  expect(await at('')).toContain('top');
});

test('the script for bash has no fault of syntax', () => {
  expect(() => execFileSync('bash', ['-n'], { input: completionScript('bash') })).not.toThrow();
});
