import { accepted, type Result } from '@argosy/domain/refusal';
import { Unreadable } from '../scenario-words';
import { eachRow, type TraceText } from './rows';

/** A guest that comes, stays and goes. */
export interface GuestRequest {
  readonly name: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly arrivesAtSeconds: number;
  readonly lifetimeSeconds: number;
}

const columns = ['vmid', 'cpu', 'mem', 'at', 'lt'] as const;

/** Requests with lifetimes: `vmid,cpu,mem,at,lt`, in cores, GB and seconds, in the order in which they arrive. */
export function parseRequests(trace: TraceText): Result<readonly GuestRequest[]> {
  const requests: GuestRequest[] = [];
  const known = new Set<string>();
  const read = eachRow(trace, columns, (cells) => {
    const name = cells.text('vmid');
    if (known.has(name)) throw new Unreadable(`expected a new vmid, "${name}" stands above`);
    known.add(name);
    const arrivesAtSeconds = cells.number('at');
    const last = requests.at(-1)?.arrivesAtSeconds ?? 0;
    if (arrivesAtSeconds < last)
      throw new Unreadable(
        `expected at, a time from ${last} on, since requests stand in their order, found ${arrivesAtSeconds}`,
      );
    requests.push({
      name,
      cores: cells.positive('cpu'),
      memoryMiB: cells.positive('mem') * 1024,
      arrivesAtSeconds,
      lifetimeSeconds: cells.number('lt'),
    });
  });
  return read.ok ? accepted(requests) : read;
}
