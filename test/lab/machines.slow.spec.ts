// Two controllers and three agents as on five machines: each reaches the others only by their own addresses. As root, in
// namespaces that the test makes; controllers speak HTTPS, and each host joins by one command, with a token for it alone.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeNetwork, startNetwork } from '../../apps/lab/lab-network.mjs';
import { waitUntil } from '../../apps/lab/processes.mjs';
import { freePort, startServers } from '../../apps/lab/servers.mjs';
import { ensureBuilt, root } from '../fleet/build';
import { makeCertificate } from '../fleet/certificate';

const hosts = ['m1', 'm2', 'm3'];
/** A machine of its own, with nothing on it but the second controller. */
const secondMachine = 'c2';
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'argosy-machines-')));
const namespaces: Record<string, string> = {};
const children: ChildProcess[] = [];
const closers: (() => Promise<void>)[] = [];
let serverAddress: string;
let url: string;
let secondUrl: string;
let databaseUrl: string;
const controllers: Record<string, ChildProcess> = {};

function begin(name: string, command: readonly string[], environment: Record<string, string>): ChildProcess {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: root, env: { ...process.env, ...environment }, stdio: 'pipe' });
  const log = createWriteStream(join(folder, `${name}.log`));
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  children.push(child);
  return child;
}

const client = (asked = url) => ({
  ARGOSY_URL: asked,
  ARGOSY_TOKEN: readFileSync(join(folder, 'controller/token'), 'utf8').trim(),
  NODE_EXTRA_CA_CERTS: join(folder, 'authorities.pem'),
});
const argosyAt = (asked: string, ...args: string[]): string =>
  execFileSync(process.execPath, [join(root, 'bin/argosy.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...client(asked) },
  });
const argosy = (...args: string[]): string => argosyAt(url, ...args);
const rowsAt = (asked: string, ...args: string[]) =>
  JSON.parse(argosyAt(asked, ...args, '-o', 'json')) as Record<string, unknown>[];
const rows = (...args: string[]) => rowsAt(url, ...args);

/** The database listens on its own machine alone, as the lab starts it: this is the way to it from the others. */
async function openDatabaseTo(address: string, inner: number): Promise<number> {
  const port = await freePort();
  const program = `require('node:net').createServer((socket) => {
    const inner = require('node:net').connect(${inner}, '127.0.0.1');
    socket.on('error', () => inner.destroy());
    inner.on('error', () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  }).listen(${port}, '${address}')`;
  begin('way-to-database', [process.execPath, '-e', program], {});
  return port;
}

interface ControllerPlan {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly redisUrl: string;
  /** '': the machine that the servers are on. */
  readonly namespace: string;
}

function beginController({ name, address, port, redisUrl, namespace }: ControllerPlan): void {
  const pem = {
    key: join(folder, `${name}-tls`, 'key.pem'),
    certificate: join(folder, `${name}-tls`, 'certificate.pem'),
  };
  const there = namespace === '' ? [] : ['nsenter', `--net=/run/netns/${namespace}`, '--'];
  controllers[name] = begin(name, [...there, process.execPath, 'dist/apps/controller/src/main.js'], {
    ARGOSY_PORT: String(port),
    ARGOSY_LISTEN_ADDRESS: address,
    ARGOSY_TLS_CERTIFICATE: pem.certificate,
    ARGOSY_TLS_KEY: pem.key,
    ARGOSY_STATE_FOLDER: join(folder, name),
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
  });
}

/** Each has its own; who trusts one of them trusts both. */
function makeCertificates(addresses: Readonly<Record<string, string>>): void {
  const authorities = Object.entries(addresses).map(([name, address]) => {
    const own = join(folder, `${name}-tls`);
    mkdirSync(own);
    return readFileSync(makeCertificate(own, address).certificate, 'utf8');
  });
  writeFileSync(join(folder, 'authorities.pem'), authorities.join('\n'));
}

beforeAll(async () => {
  await ensureBuilt();
  const network = await startNetwork({ folder, hosts: [...hosts, secondMachine], wanted: 'namespaces' });
  closers.push(() => removeNetwork(folder));
  ({ serverAddress } = network);
  const servers = await startServers(folder, {}, serverAddress);
  closers.push(servers.stop);
  const second = network.host(secondMachine);
  makeCertificates({ controller: serverAddress, second: second.address });
  const port = await freePort();
  [url, secondUrl] = [`https://${serverAddress}:${port}`, `https://${second.address}:${port}`];
  const database = new URL(servers.databaseUrl);
  database.host = `${serverAddress}:${await openDatabaseTo(serverAddress, Number(database.port))}`;
  databaseUrl = database.href;
  const redisUrl = servers.redisUrl.replace('127.0.0.1', serverAddress);
  beginController({ name: 'controller', address: serverAddress, port, redisUrl, namespace: '' });
  await waitUntil(() => isUp(), { deadlineMs: 60_000, intervalMs: 200 });
  beginController({ name: 'second', address: second.address, port, redisUrl, namespace: second.namespace });
  argosy('pool', 'create', 'prod');
  mkdirSync(join(folder, 'datastore/heartbeats'), { recursive: true });
  argosy('datastore', 'create', 'main', '--path', join(folder, 'datastore'), '--shared');
  argosy('pool', 'set', 'prod', '--isolation', 'power-off', '--watchdog-lease', '5s', '--automation', 'partial');
  for (const host of hosts) {
    const namespace = (namespaces[host] = network.host(host).namespace);
    const { secret } = JSON.parse(argosy('join-token', 'create', '--pool', 'prod', '-o', 'json')) as { secret: string };
    const flags = [
      '--controller',
      `${url},${secondUrl}`,
      '--name',
      host,
      '--token',
      secret,
      '--state-folder',
      join(folder, host),
      '--guest-network',
      'bridge:guests',
      '--datastore',
      join(folder, 'datastore'),
    ];
    const joining = [process.execPath, join(root, 'bin/argosy.mjs'), 'agent', 'join', ...flags];
    const onHost = (name: string, command: readonly string[], environment: Record<string, string>): void =>
      void begin(name, ['nsenter', `--net=/run/netns/${namespace}`, '--', ...command], environment);
    onHost(host, joining, { ARGOSY_MEMORY_MIB: '512', ...client() });
    for (const part of ['heartbeat', 'watchdog']) {
      const unit = argosy('agent', 'join', ...flags, '--address', '127.0.0.1', '--service', '--part', part);
      onHost(`${host}-${part}`, ...commandOf(unit));
    }
  }
}, 240_000);

/** What systemd would start: of the little that our units use of its language. */
function commandOf(unit: string): [readonly string[], Record<string, string>] {
  const valueOf = (text: string): string => text.replaceAll('%%', '%').replaceAll('$$', () => '$');
  const words = /^ExecStart=(.*)$/m.exec(unit)![1]!.match(/"[^"]*"|'[^']*'|\S+/g)!;
  const variables = [...unit.matchAll(/^Environment="([A-Z_]+)=(.*)"$/gm)].map(([, name, value]) => [
    name!,
    valueOf(value!),
  ]);
  return [words.map((word) => valueOf(word.replace(/^(["'])(.*)\1$/, '$2'))), Object.fromEntries(variables)];
}

/** Every process of that machine ends in one moment, as at a loss of power. */
function losePower(host: string): void {
  const pids = execFileSync('ip', ['netns', 'pids', namespaces[host]!], { encoding: 'utf8' }).trim().split('\n');
  for (const pid of pids.map(Number)) process.kill(pid, 'SIGKILL');
}

function isUp(): boolean {
  try {
    argosy('pool', 'list');
    return true;
  } catch {
    return false;
  }
}

afterAll(async () => {
  tryTo(() => argosyAt(secondUrl, 'guest', 'stop', 'web', '--force', '--wait', '--yes'));
  await Promise.all(
    children.map(
      (child) =>
        new Promise((done) =>
          child.exitCode === null && child.signalCode === null ? child.once('close', done).kill('SIGTERM') : done(null),
        ),
    ),
  );
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

function tryTo(act: () => void): void {
  try {
    act();
  } catch (error) {
    console.error(error);
  }
}

test('hosts join by one command each, under the address by which they reach the controller, and a guest moves between them', async () => {
  const online = () => rows('host', 'list').filter(({ state }) => state === 'online');
  expect(await waitUntil(() => online().length === hosts.length, { deadlineMs: 60_000, intervalMs: 500 })).toBe(true);
  const addresses = online().map(({ peerAddress }) => String(peerAddress).split(':')[0]);
  expect(new Set(addresses).size).toBe(hosts.length);
  for (const address of addresses) expect(address).toMatch(new RegExp(`^${serverAddress.replace(/\d+$/, '')}`));
  const kernel = join(folder, 'datastore/tiny.elf');
  execFileSync('cp', [join(root, 'guests/tiny/tiny.elf'), kernel]);
  argosy('image', 'create', 'tiny', '--format', 'kernel', '--kernel', kernel);
  argosy('guest', 'create', 'web', '--image', 'tiny', '--memory', '32M', '--start', '--wait');
  const before = rows('guest', 'list')[0]?.['hostId'];
  argosy('guest', 'migrate', 'web', '--wait');
  const [guest] = rows('guest', 'list');
  expect(guest).toMatchObject({ state: 'running', address: '10.128.0.2' });
  expect(guest?.['hostId']).not.toBe(before);
}, 240_000);

test('a machine that is lost with its power leaves its guest to another, on the proof of the lease that ended with it', async () => {
  const guest = () => rows('guest', 'list')[0]!;
  const nameOf = (hostId: unknown) => rows('host', 'list').find(({ id }) => id === hostId)?.['name'];
  const lost = String(nameOf(guest()['hostId']));
  losePower(lost);
  const isBack = () => guest()['state'] === 'running' && nameOf(guest()['hostId']) !== lost;
  expect(await waitUntil(isBack, { deadlineMs: 60_000, intervalMs: 500 })).toBe(true);
  const codes = rows('event', 'list', '--since', '-2m').map(({ code }) => code);
  expect(codes).toContain('watchdog-lease-ended');
  expect(codes).not.toContain('host-fenced');
}, 120_000);

test('a controller that is killed is followed by the one on another machine, and the agents go on with that', async () => {
  const before = rows('guest', 'list')[0]!;
  controllers['controller']!.kill('SIGKILL');
  const leads = (asked: string): boolean => {
    try {
      return rowsAt(asked, 'host', 'list').filter(({ state }) => state === 'online').length === hosts.length - 1;
    } catch {
      return false;
    }
  };
  expect(await waitUntil(() => leads(secondUrl), { deadlineMs: 60_000, intervalMs: 500 })).toBe(true);
  // It gives orders, and they are carried out.
  argosyAt(secondUrl, 'guest', 'migrate', 'web', '--wait');
  const after = rowsAt(secondUrl, 'guest', 'list')[0]!;
  expect(after).toMatchObject({ state: 'running', epoch: Number(before['epoch']) + 1 });
  expect(after['hostId']).not.toBe(before['hostId']);
  expect(rowsAt(secondUrl, 'event', 'list', '--since', '-2m').map(({ code }) => code)).not.toContain('guest-crashed');
}, 180_000);
