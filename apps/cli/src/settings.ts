import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Failure, usageFailure } from './failure';
import type { Io } from './io';

export interface ConnectionFlags {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly lab?: string | undefined;
}

export interface Connection {
  readonly url: string;
  readonly token: string | undefined;
  /** Where the address was found, for messages. */
  readonly from: string;
}

interface Source {
  readonly from: string;
  readonly url: string | undefined;
  readonly token: () => string | undefined;
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** undefined: there is no such file. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code !== 'EACCES' && code !== 'EISDIR') throw error;
    throw new Failure(code === 'EACCES' ? 'forbidden' : 'no-file', `${path} cannot be read (${code}).`, {
      advice: code === 'EACCES' ? 'It belongs to another user: use sudo, or a token of your own (--token-file).' : '',
    });
  }
}

function readObject(path: string): Readonly<Record<string, unknown>> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw usageFailure(
    `${path} is not a JSON object.`,
    'Write {"server": "http://…", "tokenFile": "/path"} there, or remove it.',
  );
}

export function requiredToken(path: string): string {
  const token = readText(path);
  if (token === undefined) throw new Failure('no-file', `The token file ${path} does not exist.`);
  if (token === '') throw new Failure('no-file', `The token file ${path} is empty.`);
  return token;
}

export function configFile({ environment, homeFolder }: Io): string {
  return (
    environment['ARGOSY_CONFIG'] ??
    join(environment['XDG_CONFIG_HOME'] || join(homeFolder, '.config'), 'argosy/config.json')
  );
}

function configSource(io: Io): Source {
  const path = configFile(io);
  const config = readObject(path) ?? {};
  for (const key of Object.keys(config)) {
    if (!['server', 'token', 'tokenFile'].includes(key))
      throw usageFailure(`${path}: "${key}" is not known; there are server, token and tokenFile.`);
    if (typeof config[key] !== 'string') throw usageFailure(`${path}: "${key}" must be text.`);
  }
  const { server, token, tokenFile } = config as { server?: string; token?: string; tokenFile?: string };
  return {
    from: path,
    url: server,
    token: () => token ?? (tokenFile && requiredToken(resolve(dirname(path), tokenFile))),
  };
}

/** The folder in which a lab keeps its things, here or above, as git finds its own. */
export function findLabFolder({ environment, currentFolder }: Io, flag: string | undefined): string | undefined {
  const named = flag ?? environment['ARGOSY_LAB_FOLDER'];
  if (named) return resolve(currentFolder, named);
  for (let folder = currentFolder; ; folder = dirname(folder)) {
    const candidate = join(folder, '.argosy');
    if (readText(join(candidate, 'lab.json')) !== undefined || labUrl(candidate) !== undefined) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

function labUrl(folder: string): string | undefined {
  const url = readText(join(folder, 'controller/url')) || readObject(join(folder, 'launcher.json'))?.['url'];
  return typeof url === 'string' ? url : undefined;
}

function labSource(io: Io, flag: string | undefined): Source {
  const folder = findLabFolder(io, flag);
  if (folder === undefined) return { from: 'no lab', url: undefined, token: () => undefined };
  return { from: `the lab in ${folder}`, url: labUrl(folder), token: () => readText(join(folder, 'controller/token')) };
}

function normalUrl(text: string, from: string): string {
  const withScheme = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const isUrl = URL.canParse(withScheme) && !text.includes(' ') && (!text.includes('://') || withScheme === text);
  if (!isUrl) throw usageFailure(`${from}: the server must be a URL like http://127.0.0.1:8080, and is "${text}".`);
  return new URL(withScheme).href.replace(/\/+$/, '');
}

function statedUrl(io: Io, flags: ConnectionFlags): { readonly url: string; readonly from: string } | undefined {
  if (flags.server !== undefined) return { url: flags.server, from: '--server' };
  const url = flags.lab === undefined ? io.environment['ARGOSY_URL'] : undefined;
  return url ? { url, from: 'ARGOSY_URL' } : undefined;
}

function statedToken(io: Io, flags: ConnectionFlags): string | undefined {
  const file = flags['token-file'];
  if (flags.token !== undefined && file !== undefined)
    throw usageFailure('--token and --token-file exclude each other.');
  if (file !== undefined) return requiredToken(resolve(io.currentFolder, file));
  return flags.token ?? ((flags.lab === undefined && io.environment['ARGOSY_TOKEN']) || undefined);
}

/**
 * The flags first, then the environment, the config file, and the lab of this folder; --lab alone passes over environment and
 * config file. A token that was found together with an address is sent to no other one.
 */
export function findConnection(io: Io, flags: ConnectionFlags): Connection {
  const stated = statedUrl(io, flags);
  const token = statedToken(io, flags);
  if (stated !== undefined && token !== undefined)
    return { url: normalUrl(stated.url, stated.from), from: stated.from, token };
  const found = flags.lab === undefined ? [configSource(io), labSource(io, undefined)] : [labSource(io, flags.lab)];
  const { url: address, from } = stated ??
    found.find((source) => source.url !== undefined) ?? { url: undefined, from: '' };
  if (address === undefined) {
    const where =
      flags.lab === undefined
        ? 'No server is known, and no lab was started in this folder'
        : `No lab was started in ${flags.lab}`;
    throw new Failure('no-server', `${where}.`, {
      advice: 'Start one with "npm start", or name a server with --server or ARGOSY_URL.',
    });
  }
  const url = normalUrl(address, from);
  const belongsToIt = (source: Source) => source.url !== undefined && normalUrl(source.url, source.from) === url;
  return {
    url,
    from,
    token:
      token ??
      found
        .filter(belongsToIt)
        .map((source) => source.token())
        .find(Boolean),
  };
}
