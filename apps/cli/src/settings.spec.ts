import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from './io';
import { findConnection, type ConnectionFlags } from './settings';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'argosy-settings-'));
  mkdirSync(join(scratch, '.argosy/controller'), { recursive: true });
  writeFileSync(join(scratch, '.argosy/controller/url'), 'http://lab:1\n');
  writeFileSync(join(scratch, '.argosy/controller/token'), 'of-lab');
  mkdirSync(join(scratch, 'home/.config/argosy'), { recursive: true });
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

function connection(flags: ConnectionFlags, environment: Record<string, string> = {}) {
  const io = { environment, homeFolder: join(scratch, 'home'), currentFolder: scratch } as unknown as Io;
  const { url, token } = findConnection(io, flags);
  return [url, token];
}
const configure = (config: object) =>
  writeFileSync(join(scratch, 'home/.config/argosy/config.json'), JSON.stringify(config));

test('flags before environment before config file before lab', () => {
  expect(connection({})).toEqual(['http://lab:1', 'of-lab']);
  configure({ server: 'http://config:1', token: 'of-config' });
  expect(connection({})).toEqual(['http://config:1', 'of-config']);
  const environment = { ARGOSY_URL: 'http://env:1/', ARGOSY_TOKEN: 'of-env' };
  expect(connection({}, environment)).toEqual(['http://env:1', 'of-env']);
  expect(connection({ server: 'flag:1', token: 'of-flag' }, environment)).toEqual(['http://flag:1', 'of-flag']);
  expect(connection({ lab: '.argosy' }, environment)).toEqual(['http://lab:1', 'of-lab']);
});

test('a token that was found with an address goes to no other', () => {
  configure({ server: 'http://config:1', token: 'of-config' });
  expect(connection({ server: 'http://other:1' })).toEqual(['http://other:1', undefined]);
  expect(connection({ server: 'http://lab:1' })).toEqual(['http://lab:1', 'of-lab']);
  expect(connection({}, { ARGOSY_URL: 'http://config:1' })).toEqual(['http://config:1', 'of-config']);
});

test('what does not fit is refused with a sentence', () => {
  expect(() => connection({ token: 'a', 'token-file': 'b' })).toThrow('exclude each other');
  expect(() => connection({ 'token-file': 'none' })).toThrow('does not exist');
  expect(() => connection({ server: 'ftp://x' })).toThrow('must be a URL');
});
