// A private PostgreSQL in a folder of its own: its role and database are both named argosy.

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { readJson, writeJson } from './private-files.mjs';
import { commandLine, errorCode, processLink, processStat } from './processes.mjs';
import { runServer, stopLeftOver } from './server-process.mjs';

/** @typedef {import('./server-process.mjs').Server} Server */
/** @typedef {{ uid: number, gid: number, command: string[] } | undefined} ServerUser undefined: run it as ourselves */
const stopSteps = /** @type {const} */ ([
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]);

/** @typedef {{ dataFolder: string, port?: number, password: string }} PostgresState */

/**
 * PostgreSQL's programs are not on Debian's PATH; the newest version's folder has them.
 * @returns {string | undefined}
 */
export function postgresFolder() {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((left, right) => Number(right) - Number(left)) : [];
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')));
}

/**
 * PostgreSQL refuses to run as root, so root runs it as the system's own user for it.
 * @returns {ServerUser}
 */
function serverUser() {
  if (process.getuid?.() !== 0) return undefined;
  const id = (/** @type {string} */ flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return {
    uid: id('-u'),
    gid: id('-g'),
    command: ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'],
  };
}

/**
 * @param {string} folder
 * @returns {string[]} the folders from / down to this one
 */
function pathDownTo(folder) {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [...pathDownTo(parent), folder];
}

/**
 * The server's user needs to pass through every folder above its data. Below the system's temporary folder, where
 * a test's own folder is closed to others, passage (not reading) is opened; a home folder is left as it is, and
 * the data then stand in /var/lib/argosy under a name made from the folder's.
 * @param {string} folder
 * @param {ServerUser} user
 * @returns {string}
 */
function chooseDataFolder(folder, user) {
  if (user === undefined) return join(folder, 'data');
  const temporary = realpathSync(tmpdir());
  const closed = pathDownTo(folder).filter((path) => (statSync(path).mode & 0o001) === 0);
  for (const path of closed) {
    if (path === folder || path.startsWith(`${temporary}/`)) chmodSync(path, statSync(path).mode | 0o001);
  }
  if (pathDownTo(folder).every((path) => (statSync(path).mode & 0o001) !== 0)) return join(folder, 'data');
  return join('/var/lib/argosy', `postgres-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`);
}

/**
 * @param {ServerUser} user
 * @param {string[]} command
 * @param {{ input?: string, cwd: string }} options
 */
function runAs(user, command, options) {
  const [program = '', ...args] = [...(user?.command ?? []), ...command];
  execFileSync(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'], encoding: 'utf8' });
}

/**
 * The role and its database are made by a single-user server on standard input: the superuser has no password and
 * no socket, so nobody can come in as it later.
 * @param {{ binaries: string, dataFolder: string, user: ServerUser, password: string }} options
 */
function initialize({ binaries, dataFolder, user, password }) {
  const building = `${dataFolder}.building`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true, mode: 0o700 });
  if (user !== undefined) chownSync(building, user.uid, user.gid);
  const settings = ['--username=postgres', '--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--no-sync'];
  // initdb asks for some superuser password with scram; this one is written nowhere else.
  const passwordFile = join(building, '..', `postgres-password.${process.pid}`);
  writeFileSync(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  try {
    runAs(user, [join(binaries, 'initdb'), ...settings, `--pwfile=${passwordFile}`, '-D', building], { cwd: building });
  } finally {
    rmSync(passwordFile);
  }
  runAs(user, [join(binaries, 'postgres'), '--single', '-j', '-c', 'fsync=off', '-D', building, 'postgres'], {
    cwd: building,
    input: `CREATE ROLE argosy LOGIN CREATEDB PASSWORD '${password}';\n\nCREATE DATABASE argosy OWNER argosy;\n\n`,
  });
  // Renamed last: a start that died half-way leaves no data folder that looks whole.
  renameSync(building, dataFolder);
}

/**
 * Sends a start-up message. A ready server asks for a password ('R'); one that starts or stops answers with an error.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function postgresAnswers(port) {
  const body = Buffer.from('user\0argosy\0database\0argosy\0\0', 'latin1');
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(3 << 16, 4);
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (/** @type {boolean} */ ready) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.on('connect', () => socket.write(Buffer.concat([head, body])));
    socket.on('data', (data) => finish(data[0] === 'R'.charCodeAt(0)));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
  });
}

/**
 * @param {string} dataFolder
 * @returns {{ pid: number, port: number, status: string } | undefined} what a server on these data wrote of itself
 */
function postmasterFile(dataFolder) {
  try {
    const lines = readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? '').trim() };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Another test's server may have taken the port in the meantime and would answer too, so the answer counts only
 * together with the word of the server that holds these data.
 * @param {string} dataFolder
 * @param {number} port
 * @returns {Promise<boolean>}
 */
async function isReady(dataFolder, port) {
  const written = postmasterFile(dataFolder);
  if (written?.status !== 'ready' || written.port !== port) return false;
  return processLink(written.pid, 'cwd') === dataFolder && (await postgresAnswers(port));
}

/**
 * After a crash of the machine the pid in postmaster.pid may be a stranger's, and PostgreSQL would refuse to start
 * as long as it lives. With the pid free, or truly a server on these data, PostgreSQL itself judges best.
 * @param {string} dataFolder
 */
function removeStrangersPidFile(dataFolder) {
  const written = postmasterFile(dataFolder);
  if (written === undefined || processStat(written.pid) === undefined) return;
  const ours = processLink(written.pid, 'cwd') === dataFolder && commandLine(written.pid).includes('postgres');
  if (!ours) rmSync(join(dataFolder, 'postmaster.pid'));
}

/**
 * @param {{ port: number, dataFolder: string, durable: boolean }} options
 * @returns {string[]}
 */
function serverSettings({ port, dataFolder, durable }) {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '32MB',
    // Reserved for the superuser, who cannot log in here.
    superuser_reserved_connections: 0,
    fsync: durable ? 'on' : 'off',
    synchronous_commit: durable ? 'on' : 'off',
  };
  return ['-D', dataFolder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/**
 * Starts a PostgreSQL on 127.0.0.1, or takes over the one that an earlier, crashed start left running in this
 * folder. `durable: false` is for tests whose data nobody needs after a crash of the machine.
 * @param {{ folder: string, port?: number, durable?: boolean }} options
 * @returns {Promise<Server>}
 */
export async function startPostgres({ folder: wanted, port, durable = true }) {
  const binaries = postgresFolder();
  if (binaries === undefined)
    throw new Error('PostgreSQL is not installed (looked for initdb in /usr/lib/postgresql/*/bin and PATH)');
  mkdirSync(wanted, { recursive: true, mode: 0o711 });
  const folder = realpathSync(wanted);
  const stateFile = join(folder, 'postgres.json');
  const user = serverUser();
  const state = /** @type {PostgresState | undefined} */ (readJson(stateFile)) ?? {
    dataFolder: chooseDataFolder(folder, user),
    password: randomBytes(24).toString('hex'),
  };
  const { dataFolder, password } = state;
  if (!existsSync(dataFolder)) {
    mkdirSync(dirname(dataFolder), { recursive: true, mode: 0o755 });
    writeJson(stateFile, state);
    initialize({ binaries, dataFolder, user, password });
  }
  accessSync(dataFolder, constants.R_OK);
  removeStrangersPidFile(dataFolder);
  return runServer({
    name: 'postgres',
    folder,
    workingFolder: dataFolder,
    logFile: join(folder, 'postgres.log'),
    preferredPort: port ?? state.port ?? 0,
    command: (chosen) => {
      writeJson(stateFile, { ...state, port: chosen });
      return [
        ...(user?.command ?? []),
        join(binaries, 'postgres'),
        ...serverSettings({ port: chosen, dataFolder, durable }),
      ];
    },
    isReady: (chosen) => isReady(dataFolder, chosen),
    url: (chosen) => `postgresql://argosy:${password}@127.0.0.1:${chosen}/argosy`,
    stopSteps,
  });
}

/**
 * Stops what still runs in that folder, and removes it with its data, also where they had to stand elsewhere.
 * @param {string} folder
 */
export async function removePostgres(folder) {
  const state = /** @type {PostgresState | undefined} */ (readJson(join(folder, 'postgres.json')));
  if (state !== undefined) {
    await stopLeftOver({ name: 'postgres', folder, workingFolder: state.dataFolder, stopSteps });
    rmSync(state.dataFolder, { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
}
