import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '../command';
import { Failure } from '../failure';
import { programFolder } from '../program-folder';
import type { Session } from '../session';

const lookMs = 200;
const stopMs = 180_000;
/** Those of the launcher (apps/lab/start.mjs) that say more than "failed". */
const launcherStatuses: Readonly<Record<number, string>> = {
  2: 'usage',
  3: 'something has to be installed first',
  4: 'a lab runs there already',
};

interface Launcher {
  readonly pid: number;
  readonly startTicks: number;
  readonly url?: string;
  readonly isUp?: boolean;
}

/** Where a lab is made: the folder that was named, or the program's own. */
function newLabFolder({ io, flags }: Session): string {
  const named = flags.lab ?? io.environment['ARGOSY_LAB_FOLDER'];
  return named ? resolve(io.currentFolder, named) : join(programFolder(), '.argosy');
}

/** undefined: none runs there. A pid alone may be a stranger's by now. */
function launcherOf(folder: string): Launcher | undefined {
  try {
    const launcher = JSON.parse(readFileSync(join(folder, 'launcher.json'), 'utf8')) as Launcher;
    const stat = readFileSync(`/proc/${launcher.pid}/stat`, 'utf8');
    const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return startTicks === launcher.startTicks ? launcher : undefined;
  } catch {
    return undefined;
  }
}

function endedWith(status: number | null): Failure {
  const why = launcherStatuses[status ?? 1];
  return new Failure(
    why === 'usage' ? 'usage' : 'failed',
    `The lab did not come up${why === undefined || why === 'usage' ? '' : `: ${why}`}; what the launcher said is above.`,
  );
}

/** In a session of its own, so that Ctrl-C reaches it once, by way of this program. */
function launch(args: readonly string[], output: 'inherit' | number): ReturnType<typeof spawn> {
  return spawn(process.execPath, [join(programFolder(), 'apps/lab/start.mjs'), ...args], {
    stdio: ['ignore', output, output],
    detached: true,
  });
}

async function runHere({ io }: Session, args: readonly string[]): Promise<void> {
  const launcher = launch(args, 'inherit');
  const stop = (): void => void launcher.kill('SIGINT');
  if (io.signal.aborted) stop();
  io.signal.addEventListener('abort', stop);
  const status = await new Promise<number | null>((done) => launcher.on('close', done));
  if (status !== 0 && !io.signal.aborted) throw endedWith(status);
}

/** What it says is shown until it is up; from then on it is in the file alone. */
async function runDetached(session: Session, folder: string, args: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const file = join(folder, 'launcher.log');
  const log = openSync(file, 'w', 0o600);
  const launcher = launch(args, log);
  closeSync(log);
  let status: number | null | undefined;
  launcher.on('close', (code) => (status = code));
  launcher.on('error', () => (status = 1));
  let shown = 0;
  const show = (): void => {
    if (statSync(file).size === shown) return;
    const text = readFileSync(file);
    session.io.out.write(text.subarray(shown).toString('utf8'));
    shown = text.length;
  };
  const stop = (): void => void launcher.kill('SIGINT');
  session.io.signal.addEventListener('abort', stop);
  while (status === undefined && launcherOf(folder)?.isUp !== true) {
    show();
    await sleep(lookMs);
  }
  await sleep(lookMs);
  show();
  if (status !== undefined) throw endedWith(status);
  launcher.unref();
}

const upFlags = {
  'simulated-hosts': { type: 'count', summary: 'hosts that one process stands for, with real controller, Redis and PostgreSQL' },
  hosts: { type: 'count', summary: 'hosts with QEMU (default 3; beside simulated ones 0)' },
  guests: { type: 'count', summary: 'guests (default 8; of simulated hosts 20 for each)' },
  'failure-domains': { type: 'count', summary: 'of the simulated hosts (default one for 200)' },
  seed: { type: 'count', summary: "of the simulated guests' sizes and demand (default 1)" },
  port: { type: 'count', summary: 'of the controller (default 8080)' },
  automation: { type: 'text', choices: ['manual', 'partial', 'full'], summary: 'what the pool does by itself (a new pool: full)' },
  fresh: { type: 'flag', summary: 'forget the inventory of earlier starts' },
  detach: { type: 'flag', short: 'd', summary: 'return when it is up; argosy lab down ends it' },
} as const; // prettier-ignore

/** What the launcher is told as it was given. */
const passedOn = ['simulated-hosts', 'hosts', 'guests', 'failure-domains', 'seed', 'port', 'automation'] as const;

export const labLifeCommands = [
  command({
    path: 'lab up',
    summary: 'start a lab: servers, controller, hosts and guests, on this machine',
    flags: upFlags,
    examples: ['lab up', 'lab up --simulated-hosts 1000 --guests 20000', 'lab up --simulated-hosts 100 --detach'],
    run: async (session, { flags }) => {
      const { fresh, detach } = flags;
      const folder = newLabFolder(session);
      const given = passedOn.flatMap((name) => (flags[name] === undefined ? [] : [`--${name}`, String(flags[name])]));
      const args = ['--no-demo', '--folder', folder, ...given, ...(fresh ? ['--fresh'] : [])];
      if (detach) await runDetached(session, folder, args);
      else await runHere(session, args);
      return 'done';
    },
  }),
  command({
    path: 'lab down',
    summary: 'stop a lab that runs on this machine, in order; its inventory stays',
    examples: ['lab down'],
    run: async (session) => {
      const folder = newLabFolder(session);
      const launcher = launcherOf(folder);
      if (launcher === undefined)
        throw new Failure('no-lab', `No lab runs in ${folder}.`, {
          advice: 'Name the folder of another with --lab; argosy lab up starts one.',
        });
      process.kill(launcher.pid, 'SIGINT');
      const begun = performance.now();
      while (launcherOf(folder) !== undefined) {
        if (performance.now() - begun > stopMs)
          throw new Failure('timed-out', `The lab (pid ${launcher.pid}) has not ended within ${stopMs / 1000} s.`);
        session.progress(`stopping in order … ${Math.round((performance.now() - begun) / 1000)} s`);
        await sleep(lookMs);
      }
      session.clearProgress();
      if (session.isForPeople) session.print(`The lab in ${folder} is down.`);
      return 'done';
    },
  }),
];
