import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../io';
import { joinToken } from './agent';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-join-'));
  writeFileSync(join(folder, 'h1.token'), 'of the file\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const ioOf = (line?: string, environment = {}): Io =>
  ({ currentFolder: folder, environment, keyboard: { readLine: async () => line } }) as unknown as Io;

test('a join token comes by a file, the standard input, the environment or the command line', async () => {
  expect(await joinToken(ioOf(), { 'token-file': 'h1.token' })).toBe('of the file');
  expect(await joinToken(ioOf(' of the input '), { 'token-file': '-' })).toBe('of the input');
  expect(await joinToken(ioOf(undefined, { ARGOSY_JOIN_TOKEN: 'of the environment' }), {})).toBe('of the environment');
  expect(await joinToken(ioOf(), { token: 'of the command line' })).toBe('of the command line');
  expect(await joinToken(ioOf(), {})).toBeUndefined();
});

test.each([
  ['both ways', ioOf, { token: 'x', 'token-file': 'h1.token' }, /exclude each other/],
  ['a file that is not there', ioOf, { 'token-file': 'h2.token' }, /h2\.token does not exist/],
  ['an input that is empty', ioOf, { 'token-file': '-' }, /standard input holds no token/],
])('%s are refused in a sentence', async (_what, io, flags, sentence) => {
  await expect(joinToken(io(), flags)).rejects.toThrow(sentence);
});
