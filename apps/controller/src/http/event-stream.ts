import type { StreamMessage, UsageDetail } from '@argosy/contracts/stream';
import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import { shownRow } from './shown';
import type { HostReport } from '@argosy/domain/host-report';
import type { Instant } from '@argosy/domain/units';

type Body = StreamMessage extends infer Message ? (Message extends unknown ? Omit<Message, 'id'> : never) : never;

interface Sent {
  readonly sequence: number;
  readonly text: string;
}

export interface StreamHistory {
  readonly messages: number;
  readonly bytes: number;
}

/** One reader: `send` gets whole server-sent events. */
export interface StreamReader {
  readonly usage: UsageDetail;
  send(text: string): void;
}

/**
 * Everything that was committed, in order, with a bounded memory of it for readers that come back. An id is the stream's
 * name and a sequence number; the name changes with the process and with each term, because what another leader
 * committed in between was not heard here.
 */
export class EventStream {
  private readonly readers = new Set<StreamReader>();
  private history: Sent[] = [];
  private historyBytes = 0;
  private sequence = 0;
  private term = -1;

  constructor(
    private readonly processName: string,
    private readonly limits: StreamHistory,
  ) {}

  get readerCount(): number {
    return this.readers.size;
  }

  /** A reader gets what it missed, or a `reset`, and from then on everything. Returns what ends it. */
  join(reader: StreamReader, lastEventId: string | undefined, term: number): () => void {
    this.enterTerm(term);
    this.readers.add(reader);
    if (lastEventId !== undefined) this.catchUp(reader, lastEventId);
    return () => this.readers.delete(reader);
  }

  committed(writes: readonly FleetWrite[], term: number): void {
    this.enterTerm(term);
    for (const write of writes) {
      const message = messageOf(write);
      if (message === null) continue;
      this.sequence += 1;
      const text = this.format(message);
      this.remember({ sequence: this.sequence, text });
      this.sendAll(text);
    }
  }

  /** What a host uses is of the moment: it is sent, and not remembered. It has the id of the last change. */
  reported(report: HostReport, heardAt: Instant): void {
    const { hostId, capacity, cpuMillicores, guests } = report;
    const told = (shown: readonly HostReport['guests'][number][]): string => {
      const row = { hostId, heardAt, capacity, cpuMillicores, guests: [...shown] };
      return this.format({ kind: 'usage', entity: 'host', row });
    };
    const texts: { all?: string; hosts?: string } = {};
    for (const reader of [...this.readers]) {
      if (reader.usage === 'all') reader.send((texts.all ??= told(guests)));
      if (reader.usage === 'hosts') reader.send((texts.hosts ??= told([])));
    }
  }

  /** For when changes may have been missed: readers are told to read everything anew. */
  reset(reason: string): void {
    this.history = [];
    this.historyBytes = 0;
    this.sequence += 1;
    this.sendAll(this.formatReset(reason));
  }

  private enterTerm(term: number): void {
    if (term === this.term) return;
    const isFirst = this.term === -1;
    this.term = term;
    if (!isFirst) this.reset(`Another term of leadership (${term}) has begun.`);
  }

  private catchUp(reader: StreamReader, lastEventId: string): void {
    const [, name, digits] = /^(.*)-(\d{1,15})$/.exec(lastEventId) ?? [];
    const last = Number(digits);
    const oldest = this.history[0]?.sequence ?? this.sequence + 1;
    const isKnown = name === this.name && last <= this.sequence && last >= oldest - 1;
    if (!isKnown)
      return reader.send(this.formatReset('What came after the last event that you saw is not kept any more.'));
    for (const { sequence, text } of this.history) if (sequence > last) reader.send(text);
  }

  private get name(): string {
    return `${this.processName}.${this.term}`;
  }

  private format(body: Body): string {
    const id = `${this.name}-${this.sequence}`;
    return `id: ${id}\ndata: ${JSON.stringify({ id, ...body })}\n\n`;
  }

  private formatReset(reason: string): string {
    return this.format({ kind: 'reset', entity: 'fleet', row: { reason } });
  }

  private sendAll(text: string): void {
    for (const reader of [...this.readers]) reader.send(text);
  }

  private remember(sent: Sent): void {
    this.history.push(sent);
    this.historyBytes += sent.text.length;
    let forgotten = 0;
    while (this.history.length - forgotten > this.limits.messages || this.historyBytes > this.limits.bytes) {
      const oldest = this.history[forgotten];
      if (!oldest) break;
      this.historyBytes -= oldest.text.length;
      forgotten += 1;
    }
    if (forgotten > 0) this.history.splice(0, forgotten);
  }
}

/** null: nobody outside hears of it. */
function messageOf(write: FleetWrite): Body | null {
  switch (write.kind) {
    case 'put':
      return write.entity === 'fenceSecret'
        ? null
        : ({ kind: 'put', entity: write.entity, row: shownRow(write) } as Body);
    case 'remove':
      return write.entity === 'fenceSecret' ? null : { kind: 'remove', entity: write.entity, row: { id: write.id } };
    case 'open-placement':
      return { kind: 'open', entity: 'placement', row: write.placement };
    case 'close-placement': {
      const { guestId, epoch, to, endReason } = write;
      return { kind: 'close', entity: 'placement', row: { guestId, epoch, to, endReason } };
    }
    case 'record':
      return { kind: 'record', entity: 'event', row: write.record };
  }
}
