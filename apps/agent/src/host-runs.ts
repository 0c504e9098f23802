import { spawn } from 'node:child_process';
import {
  accessSync,
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { HostRun } from '@argosy/domain/host-report';
import { bootId } from './watchdog/watchdog-files';

const keptBytes = 2_000;
/** Its output is cut when it is longer: a command may print for hours. */
const mostOutputBytes = 1024 * 1024;
/** As a shell says of a program that it cannot find. */
const notFound = 127;
/** Of a run whose end nobody saw, on a host that was on all along. */
const lost = -1;

/** Its output and its status are files, so that it may end its own agent: the next one reads them. */
const wrapper = '"$@" >>output 2>&1; echo $? >status.new; mv status.new status';

interface Begun {
  readonly runId: string;
  readonly bootId: string;
  readonly pid: number;
}

/**
 * Commands that a roll runs on this host. Only programs that the host's administrator has put into one folder are run:
 * who can give orders to agents can still not run whatever he likes.
 */
export class HostRuns {
  private readonly folder: string;

  constructor(private readonly parts: { readonly stateFolder: string; readonly programsFolder: string | null }) {
    this.folder = join(parts.stateFolder, 'run');
  }

  /** Once: asked again for the same run, it changes nothing. */
  begin(runId: string, command: string): void {
    if (this.begun()?.runId === runId) return;
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const [name = '', ...args] = command.split(' ');
    const refusal = this.refusalOf(name);
    if (refusal !== null) {
      writeFileSync(join(this.folder, 'output'), refusal);
      writeFileSync(join(this.folder, 'status'), String(notFound));
      return this.keep({ runId, bootId: bootId(), pid: 0 });
    }
    const program = join(this.parts.programsFolder ?? '', name);
    // In a session of its own: it outlives the agent, which it may be there to replace.
    const child = spawn('/bin/sh', ['-c', wrapper, 'run', program, ...args], {
      cwd: this.folder,
      detached: true,
      stdio: 'ignore',
    });
    child.on('error', () => {});
    child.unref();
    this.keep({ runId, bootId: bootId(), pid: child.pid ?? 0 });
  }

  /** null: there was none. */
  latest(): HostRun | null {
    const begun = this.begun();
    if (begun === null) return null;
    const output = this.endOfOutput();
    const status = this.read('status').trim();
    if (status !== '') return { runId: begun.runId, status: Number(status), output };
    // Its last act was to restart the host: that is its success.
    if (begun.bootId !== bootId()) return { runId: begun.runId, status: 0, output: `${output}the host was restarted` };
    if (!existsSync(`/proc/${begun.pid}`) && this.read('status') === '')
      return { runId: begun.runId, status: lost, output: `${output}it ended, and left no status` };
    return { runId: begun.runId, status: null, output };
  }

  /** It is looked at each second, so only its end is read. The program appends, so what it wrote can be cut under it. */
  private endOfOutput(): string {
    const path = join(this.folder, 'output');
    try {
      const file = openSync(path, 'r');
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(Math.min(size, keptBytes));
      const read = readSync(file, bytes, 0, bytes.length, size - bytes.length);
      closeSync(file);
      const end = bytes.subarray(0, read).toString('utf8');
      if (size > mostOutputBytes) {
        truncateSync(path);
        appendFileSync(path, end);
      }
      return end;
    } catch {
      return '';
    }
  }

  private refusalOf(name: string): string | null {
    const { programsFolder } = this.parts;
    if (programsFolder === null)
      return 'this host runs no commands: set ARGOSY_ROLL_PROGRAMS of its agent to the folder of the programs that it may run';
    if (basename(name) !== name || name.startsWith('.')) return `${name} is no name of a program in ${programsFolder}`;
    try {
      accessSync(join(programsFolder, name), constants.X_OK);
      return null;
    } catch {
      return `there is no program ${name} in ${programsFolder}`;
    }
  }

  private begun(): Begun | null {
    try {
      return JSON.parse(this.read('begun.json')) as Begun;
    } catch {
      return null;
    }
  }

  private keep(begun: Begun): void {
    writeFileSync(join(this.folder, 'begun.json'), JSON.stringify(begun));
  }

  private read(name: string): string {
    try {
      return readFileSync(join(this.folder, name), 'utf8');
    } catch {
      return '';
    }
  }
}
