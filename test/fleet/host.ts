import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { HostMigration, JournalEntry } from '@argosy/control/host-types';
import { powerRequest, startPower } from '../../apps/lab/chassis.mjs';
import { chassisProcesses } from '../../apps/lab/chassis-tree.mjs';
import { commandLine, processLink, processStat } from '../../apps/lab/processes.mjs';
import { readJson } from '../../apps/lab/private-files.mjs';

export interface HostPlan {
  readonly name: string;
  readonly folder: string;
  readonly datastore: string;
  readonly agentProgram: string;
  readonly cpuMillicores: number;
  readonly memoryMiB: number;
  /** By name; '': it shares the machine's network. */
  readonly networkNamespace: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A VMM process, as the operating system shows it. */
export interface VmmProcess {
  readonly pid: number;
  readonly guestId: string;
  readonly epoch: number;
  readonly folder: string;
}

/** What its folder's name says. */
function vmmIn(folder: string, pid: number): VmmProcess[] {
  const [, guestId, epoch] = /^(.+)\.(\d+)$/.exec(basename(folder)) ?? [];
  return guestId === undefined ? [] : [{ pid, guestId: decodeURIComponent(guestId), epoch: Number(epoch), folder }];
}

/** One chassis with its agent. Processes are found by the chassis' mark and by their folders, never by a name. */
export class LabHost {
  readonly name: string;
  readonly stateFolder: string;
  readonly socket: string;
  private readonly heartbeatFile: string;
  private readonly watchdogProgram: string;

  constructor(private readonly plan: HostPlan) {
    this.name = plan.name;
    this.stateFolder = join(plan.folder, 'state');
    this.socket = join(plan.folder, 'power.sock');
    this.heartbeatFile = join(plan.datastore, 'heartbeats', plan.name);
    this.watchdogProgram = join(dirname(plan.agentProgram), 'watchdog', 'main.js');
  }

  async start(): Promise<void> {
    const { name, folder, datastore, cpuMillicores, memoryMiB, agentProgram, networkNamespace } = this.plan;
    const environment = {
      ARGOSY_HOST: name,
      ARGOSY_STATE_FOLDER: this.stateFolder,
      ARGOSY_DATASTORE_FOLDER: datastore,
      ARGOSY_CPU_MILLICORES: String(cpuMillicores),
      ARGOSY_MEMORY_MIB: String(memoryMiB),
      ARGOSY_FENCE_DEVICE: `chassis:${this.socket}`,
      ARGOSY_WATCHDOG: `${process.execPath} ${this.watchdogProgram}`,
      ...this.plan.environment,
    };
    const command = [process.execPath, '--enable-source-maps', agentProgram];
    const { socket, heartbeatFile, stateFolder } = this;
    await startPower({
      host: name,
      folder,
      socket,
      cpuMillicores,
      memoryMiB,
      command,
      environment,
      heartbeatFile,
      stateFolder,
      ...(networkNamespace === '' ? {} : { networkNamespace }),
    });
    await this.power('on');
  }

  async power(op: 'on' | 'off'): Promise<void> {
    const answer = await powerRequest(this.socket, { op }, { deadlineMs: 20_000 });
    if (!answer.ok) throw new Error(`${this.name} could not be switched ${op}: ${answer.message}`);
  }

  /** All processes of the chassis, oldest first. */
  private processes(): number[] {
    const state = readJson(join(this.plan.folder, 'power.json')) as
      { on?: { tree: { mark: string; namespace: string } } } | undefined;
    return state?.on ? chassisProcesses(state.on.tree).map(({ pid }) => pid) : [];
  }

  agentPid(): number | undefined {
    const { agentProgram } = this.plan;
    return this.processes().find(
      (pid) => commandLine(pid).endsWith(agentProgram) && processStat(pid)?.command === 'node',
    );
  }

  watchdogPid(): number | undefined {
    return this.processes().find(
      (pid) => commandLine(pid).endsWith(this.watchdogProgram) && processStat(pid)?.command === 'node',
    );
  }

  /** Every VMM on this host: its working folder tells the guest and the epoch. */
  vmms(): VmmProcess[] {
    const root = `${join(this.stateFolder, 'vmm')}/`;
    return readdirSync('/proc').flatMap((entry): VmmProcess[] => {
      if (!/^\d+$/.test(entry)) return [];
      const pid = Number(entry);
      const folder = processLink(pid, 'cwd')?.replace(/ \(deleted\)$/, '');
      if (!folder?.startsWith(root)) return [];
      const stat = processStat(pid);
      if (stat === undefined || stat.state === 'Z') return [];
      const name = folder.slice(root.length);
      // Of the embedded VMM: one process for all guests of the host, each of which has its own folder beside the process'.
      if (name.startsWith('runner-')) return readdirSync(root).flatMap((each) => vmmIn(join(root, each), pid));
      return stat.command.startsWith('qemu') ? vmmIn(folder, pid) : [];
    });
  }

  /** What the agent's own journal says now, by key. */
  journal(): Map<string, JournalEntry['value']> {
    const entries = new Map<string, JournalEntry['value']>();
    let text = '';
    try {
      text = readFileSync(join(this.stateFolder, 'journal.jsonl'), 'utf8');
    } catch {
      // Not written yet, or being replaced at this moment.
    }
    const lines = text.split('\n');
    lines.pop();
    for (const line of lines) {
      const { key, value } = JSON.parse(line) as JournalEntry;
      if (value === null) entries.delete(key);
      else entries.set(key, value);
    }
    return entries;
  }

  migration(migrationId: string): HostMigration | undefined {
    for (const value of this.journal().values())
      if (value?.kind === 'migration' && value.migrationId === migrationId) return value;
    return undefined;
  }

  /** Of a guest, whatever the migration's id: for moments at which nobody has been told of it yet. */
  migrationOf(guestId: string): HostMigration | undefined {
    for (const value of this.journal().values())
      if (value?.kind === 'migration' && value.guestId === guestId) return value;
    return undefined;
  }
}
