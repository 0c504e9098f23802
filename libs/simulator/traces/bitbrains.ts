import { accepted, type Result } from '@argosy/domain/refusal';
import { Unreadable } from '../scenario-words';
import { eachRow, type TraceText } from './rows';

/** A guest of the tasks table with its pieces of the fragments table. */
export interface MeasuredGuest {
  readonly name: string;
  readonly submittedAtMs: number;
  readonly durationMs: number;
  readonly cores: number;
  /** Of all its cores together. */
  readonly capacityMHz: number;
  readonly memoryMiB: number;
  readonly fragments: readonly Fragment[];
}

/** One after the other: what the guest used for a while. */
export interface Fragment {
  readonly durationMs: number;
  readonly usedMHz: number;
}

const taskColumns = ['id', 'submission_time', 'duration', 'cpu_count', 'cpu_capacity', 'mem_capacity'] as const;
const fragmentColumns = ['id', 'duration', 'cpu_mhz'] as const;

/** The two tables that OpenDC keeps the Bitbrains traces in: guests in ms, MHz and KiB, and what each used, piece by piece. */
export function parseBitbrains(tasks: TraceText, fragments: TraceText): Result<readonly MeasuredGuest[]> {
  const guests = new Map<string, MeasuredGuest & { readonly fragments: Fragment[] }>();
  const readTasks = eachRow(tasks, taskColumns, (cells) => {
    const name = cells.text('id');
    if (guests.has(name)) throw new Unreadable(`expected a new id, "${name}" stands above`);
    guests.set(name, {
      name,
      submittedAtMs: cells.number('submission_time'),
      durationMs: cells.positive('duration'),
      cores: cells.positive('cpu_count'),
      capacityMHz: cells.positive('cpu_capacity'),
      memoryMiB: cells.positive('mem_capacity') / 1024,
      fragments: [],
    });
  });
  if (!readTasks.ok) return readTasks;
  const readFragments = eachRow(fragments, fragmentColumns, (cells) => {
    const name = cells.text('id');
    const guest = guests.get(name);
    if (!guest) throw new Unreadable(`expected an id of ${tasks.file}, found "${name}"`);
    guest.fragments.push({ durationMs: cells.positive('duration'), usedMHz: cells.number('cpu_mhz') });
  });
  return readFragments.ok ? accepted([...guests.values()]) : readFragments;
}
