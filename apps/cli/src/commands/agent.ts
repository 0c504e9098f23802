import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { unitOf, unitParts } from '../agent-units';
import { command, given } from '../command';
import { Failure } from '../failure';
import type { Io } from '../io';
import { requiredToken } from '../settings';
import { programFolder } from '../program-folder';

const connectMs = 5_000;
const usualStateFolder = '/var/lib/argosy/agent';

/** The address under which this machine reaches a controller is the one under which the others reach this machine. */
async function addressTowardsAny(controllers: readonly URL[]): Promise<string> {
  let failure: unknown;
  for (const controller of controllers)
    try {
      return await addressTowards(controller);
    } catch (error) {
      failure ??= error;
    }
  throw failure;
}

function addressTowards(controller: URL): Promise<string> {
  const port = Number(controller.port || (controller.protocol === 'https:' ? 443 : 80));
  return new Promise((done, fail) => {
    const socket = connect({ host: controller.hostname, port, timeout: connectMs });
    const give = (message: string): void => {
      socket.destroy();
      const advice =
        'Name this host’s own address with --address, or look whether the controller runs and listens there.';
      fail(
        new Failure('unreachable', `The controller at ${controller.host} cannot be reached: ${message}.`, { advice }),
      );
    };
    socket.on('connect', () => {
      const { localAddress = '' } = socket;
      socket.destroy();
      done(localAddress);
    });
    socket.on('timeout', () => give(`no answer within ${connectMs} ms`));
    socket.on('error', (error) => give(error.message));
  });
}

const parseControllers = (text: string): readonly URL[] => text.split(',').map((each) => parseController(each.trim()));

function parseController(text: string): URL {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text);
  throw new Failure(
    'usage',
    `--controller ${text}: write it like https://10.0.0.1:8080, and several with commas between.`,
  );
}

interface TokenFlags {
  readonly token?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

/** Every user of the machine sees what stands on a command line: so it may come by a file, the standard input or the environment. */
export async function joinToken(io: Io, { token, 'token-file': file }: TokenFlags): Promise<string | undefined> {
  if (file === undefined) return token ?? (io.environment['ARGOSY_JOIN_TOKEN'] || undefined);
  if (token !== undefined)
    throw new Failure('usage', '--token and --token-file exclude each other.', { advice: 'Leave one of them out.' });
  if (file !== '-') return requiredToken(resolve(io.currentFolder, file));
  const line = (await io.keyboard.readLine())?.trim() ?? '';
  if (line !== '') return line;
  throw new Failure('no-file', 'The standard input holds no token.', { advice: 'Write it there, as one line.' });
}

export const agentCommands = [
  command({
    path: 'agent join',
    summary: 'make this machine a host: run its agent here until it is interrupted, or print a systemd unit',
    flags: {
      controller: {
        type: 'text',
        placeholder: 'url',
        required: true,
        summary: 'any controller of the fleet, or all with commas between',
      },
      pool: { type: 'text', summary: 'the pool to join (that of the join token, or the only one)' },
      name: { type: 'text', summary: "the host's name (this machine's)" },
      token: { type: 'text', placeholder: 'secret', summary: 'of argosy join-token create; needed the first time' },
      'token-file': { type: 'text', placeholder: 'file', summary: 'a file with that token; - is the standard input' },
      address: { type: 'text', summary: 'under which the others reach this machine (that towards the controller)' },
      'state-folder': { type: 'text', placeholder: 'folder', summary: `the agent's own (${usualStateFolder})` },
      'guest-network': { type: 'text', placeholder: 'bridge:name', summary: 'the bridge that guests are plugged into' },
      datastore: {
        type: 'text',
        placeholder: 'folder',
        summary: "the shared datastore's, as it is mounted here: for the heartbeat and the watchdog's lease",
      },
      service: { type: 'flag', summary: 'print a systemd unit instead of running the agent' },
      part: {
        type: 'text',
        choices: unitParts,
        summary: 'the unit to print: of the agent, or of what runs beside it with a datastore',
      },
    },
    examples: [
      'agent join --controller https://10.0.0.1:8080 --token-file h1.token',
      'agent join --controller https://10.0.0.1:8080 --token-file h1.token --service > /etc/systemd/system/argosy-agent.service',
      'agent join --controller https://10.0.0.1:8080 --datastore /datastore --service --part watchdog > /etc/systemd/system/argosy-watchdog.service',
    ],
    run: async (session, { flags }) => {
      const programPath = join(programFolder(), 'dist/apps/agent/src/main.js');
      if (!existsSync(programPath))
        throw new Failure('no-file', `The agent ${programPath} is not here.`, { advice: 'Build it: npm run build.' });
      const controllers = parseControllers(flags.controller);
      const stateFolder = resolve(session.io.currentFolder, flags['state-folder'] ?? usualStateFolder);
      const datastoreFolder = flags.datastore === undefined ? null : resolve(session.io.currentFolder, flags.datastore);
      const { part = 'agent' } = flags;
      if (part !== 'agent' && (datastoreFolder === null || !flags.service))
        throw new Failure(
          'usage',
          `--part ${part} is printed with --service, for a host with --datastore: that is where it writes.`,
        );
      const environment: Record<string, string> = given({
        ARGOSY_HOST: flags.name ?? hostname().toLowerCase().split('.')[0] ?? '',
        ARGOSY_POOL: flags.pool,
        ARGOSY_CONTROLLER_URL: controllers.map(({ origin }) => origin).join(','),
        ARGOSY_JOIN_TOKEN: await joinToken(session.io, flags),
        ARGOSY_STATE_FOLDER: stateFolder,
        ARGOSY_LISTEN_ADDRESS: flags.address ?? (await addressTowardsAny(controllers)),
        ARGOSY_GUEST_NETWORK: flags['guest-network'],
        ARGOSY_DATASTORE_FOLDER: datastoreFolder ?? undefined,
        NODE_EXTRA_CA_CERTS: session.io.environment['NODE_EXTRA_CA_CERTS'],
      });
      if (flags.service) {
        const nodePath = process.execPath;
        session.print(unitOf(part, { environment, datastoreFolder, programFolder: programFolder(), nodePath }));
        return 'done';
      }
      mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
      const agent = spawn(process.execPath, ['--enable-source-maps', programPath], {
        env: { ...session.io.environment, ...environment },
        stdio: 'inherit',
      });
      // Ctrl-C reaches the agent by itself on a terminal; asked twice it ends no less in order.
      session.io.signal.addEventListener('abort', () => agent.kill('SIGTERM'));
      const status = await new Promise<number>((done) => agent.on('close', (code) => done(code ?? 1)));
      if (status !== 0) throw new Failure('failed', `The agent ended with status ${status}; its last words are above.`);
      return 'done';
    },
  }),
];
