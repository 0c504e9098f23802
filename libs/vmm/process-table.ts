import { readFileSync, readlinkSync } from 'node:fs';

/** A pid alone may belong to a stranger by the time a signal is sent: the start time (clock ticks since boot) tells. */
export interface ProcessName {
  readonly pid: number;
  readonly startTicks: number;
}

/** One entry of /proc, or undefined when its process is gone or belongs to somebody else. */
function readEntry(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Names the process, unless it is gone or a zombie (which has let go of its memory, files and locks). */
export function nameProcess(pid: number): ProcessName | undefined {
  const text = readEntry(`/proc/${pid}/stat`);
  if (!text) return undefined;
  // The command in parentheses may hold spaces and parentheses itself, so the fields count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const threads = Number(fields[17]);
  // The first thread may be a zombie while others still hold the files.
  const isGone = (state === 'Z' || state === 'X') && threads <= 1;
  return isGone ? undefined : { pid, startTicks: Number(fields[19]) };
}

export function isRunning(process: ProcessName): boolean {
  return nameProcess(process.pid)?.startTicks === process.startTicks;
}

/** False when that very process is gone. */
export function signalProcess(process: ProcessName, signal: NodeJS.Signals): boolean {
  if (!isRunning(process)) return false;
  try {
    return globalThis.process.kill(process.pid, signal);
  } catch {
    return false;
  }
}

export function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

export interface ThreadTimes {
  readonly runMs: number;
  /** Ready to run but not running: another was, or a limit did not allow it. */
  readonly waitMs: number;
}

/** schedstat: nanoseconds on a processor, nanoseconds on a run queue, number of time slices. */
export function threadTimes(pid: number, threadIds: readonly number[]): ThreadTimes {
  let runMs = 0;
  let waitMs = 0;
  for (const threadId of threadIds) {
    const [run, wait] = (readEntry(`/proc/${pid}/task/${threadId}/schedstat`) ?? '0 0').split(' ');
    runMs += Number(run) / 1e6;
    waitMs += Number(wait) / 1e6;
  }
  return { runMs, waitMs };
}

const pageBytes = 4096;

/** Resident memory that is the process' own: QEMU's program and libraries, shared by all guests, do not count. */
export function ownResidentMiB(pid: number): number {
  const [, resident, shared] = (readEntry(`/proc/${pid}/statm`) ?? '0 0 0').split(' ').map(Number);
  return (((resident ?? 0) - (shared ?? 0)) * pageBytes) / 1048576;
}

/** Start times count from the boot, so a process' name holds for one boot only. */
export function bootId(): string {
  return readEntry('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}
