import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamMessage } from '@argosy/contracts/stream';
import { Api } from './api';
import type { OutputFormat } from './arguments';
import type { Command } from './command';
import { followEvents } from './event-stream';
import type { ExitName } from './exit-status';
import { Failure } from './failure';
import type { Io } from './io';
import { Lookup, type LookupKind } from './lookup';
import { columnWidths, fieldLines, paint, plain, tableLines, type Colour } from './output/table';
import { formatDuration } from '@argosy/domain/units';
import { cellOf, columnsFor, type View } from './output/view';
import { toYaml } from './output/yaml';
import { findConnection, findLabFolder, type ConnectionFlags } from './settings';

export interface GlobalFlags extends ConnectionFlags {
  readonly output?: OutputFormat | undefined;
  readonly 'no-headers': boolean;
  readonly 'no-color': boolean;
  readonly yes: boolean;
}

export interface Wait<Row> {
  /** "web to run" */
  readonly what: string;
  readonly deadlineMs: number;
  readonly read: () => Promise<Row>;
  /** true: it is so. A Failure: it never will be. */
  readonly isDone: (row: Row) => boolean | Failure;
  /** How far it is, for a terminal. */
  readonly describe?: (row: Row) => string;
}

const pollMs = 250;

/** What a command works with: the server, the output and the person at the terminal. */
export class Session {
  private connected: Api | undefined;

  constructor(
    readonly io: Io,
    readonly flags: GlobalFlags,
    readonly commands: readonly Command[],
  ) {}

  /** Only a command that talks to a server needs one. */
  get api(): Api {
    return (this.connected ??= new Api(findConnection(this.io, this.flags), this.io.signal));
  }

  get format(): OutputFormat {
    return this.flags.output ?? 'table';
  }

  /** Whether sentences and tables are wanted, and no program reads the output. */
  get isForPeople(): boolean {
    return this.format === 'table' || this.format === 'wide';
  }

  get useColour(): boolean {
    const { environment, out } = this.io;
    return out.isTerminal && !this.flags['no-color'] && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  }

  get labFolder(): string {
    const folder = findLabFolder(this.io, this.flags.lab);
    if (folder !== undefined) return folder;
    throw new Failure('no-lab', 'No lab was started in this folder or above it.', {
      advice: 'Start one with "npm start", or name its folder with --lab.',
    });
  }

  lookup(kinds: readonly LookupKind[]): Promise<Lookup> {
    return Lookup.load(this.api, kinds, this.io.now());
  }

  paint(text: string, colour: Colour | undefined): string {
    return paint(text, colour, this.useColour);
  }

  print(text: string): void {
    this.io.out.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** To people, beside the data. */
  note(text: string): void {
    this.clearProgress();
    this.io.err.write(`${text}\n`);
  }

  /** In place, and only on a terminal. */
  progress(text: string): void {
    const { err } = this.io;
    if (err.isTerminal) err.write(`\r\x1b[2K${plain(text).slice(0, err.columns - 1)}`);
  }

  clearProgress(): void {
    if (this.io.err.isTerminal) this.io.err.write('\r\x1b[2K');
  }

  /** Any value, in the formats for programs. */
  printValue(value: unknown): void {
    this.print(this.format === 'yaml' ? toYaml(value) : JSON.stringify(value, null, 2));
  }

  async printRows<Row>(view: View<Row>, rows: readonly Row[]): Promise<void> {
    if (this.format === 'json' || this.format === 'yaml') return this.printValue(rows);
    if (this.format === 'name') return rows.forEach((row) => this.print(`${view.kind}/${view.nameOf(row)}`));
    if (rows.length === 0) return this.note(`There are no ${view.kind.replace('-', ' ')}s.`);
    this.table(view, rows, await this.lookup(view.needs));
  }

  /** Answers the columns' widths, for a table that goes on. */
  private table<Row>(
    view: View<Row>,
    rows: readonly Row[],
    lookup: Lookup,
    more: { readonly headers?: boolean; readonly widths?: readonly number[] } = {},
  ): number[] {
    const columns = columnsFor(view, this.format === 'wide' ? 'wide' : 'table');
    const options = {
      titles: columns.map(({ title }) => title),
      right: columns.map(({ right }) => right === true),
      useColour: this.useColour,
      headers: more.headers ?? !this.flags['no-headers'],
      ...(more.widths ? { widths: more.widths } : {}),
    };
    const cells = rows.map((row) => columns.map((column) => clean(cellOf(column, row, lookup))));
    tableLines(cells, options).forEach((line) => this.print(line));
    return columnWidths(cells, options);
  }

  /** One object: all that is known of it, a line each. */
  async printRow<Row>(view: View<Row>, row: Row): Promise<void> {
    if (this.format === 'json' || this.format === 'yaml') return this.printValue(row);
    if (this.format === 'name') return this.print(`${view.kind}/${view.nameOf(row)}`);
    const lookup = await this.lookup(view.needs);
    const fields = columnsFor(view, 'detail').map(
      (column) => [column.title, clean(cellOf(column, row, lookup))] as const,
    );
    fieldLines(fields, this.useColour).forEach((line) => this.print(line));
  }

  /** What an action answered: a sentence for people, the row for programs. */
  printDone<Row>(view: View<Row>, row: Row, sentence: string): void {
    if (this.isForPeople) this.print(sentence);
    else if (this.format === 'name') this.print(`${view.kind}/${view.nameOf(row)}`);
    else this.printValue(row);
  }

  /** What was removed has no row any more. */
  printGone(kind: string, name: string, sentence: string): void {
    if (this.isForPeople) this.print(sentence);
    else if (this.format === 'name') this.print(`${kind}/${name}`);
    else this.printValue({ kind, name, removed: true });
  }

  /** As kubectl's -w: the list, then each row again when it changes. The stream says when to look, the list what to print. */
  async watch<Row extends { readonly id: string | number }>(
    view: View<Row>,
    entities: readonly StreamMessage['entity'][],
    read: () => Promise<readonly Row[]>,
  ): Promise<ExitName> {
    const seen = new Map<string, string>();
    let widths: number[] | undefined;
    const show = async (): Promise<void> => {
      const rows = await read();
      const changed = rows.filter((row) => seen.get(String(row.id)) !== JSON.stringify(row));
      const gone = [...seen.keys()].filter((id) => !rows.some((row) => String(row.id) === id));
      gone.forEach((id) => seen.delete(id));
      changed.forEach((row) => seen.set(String(row.id), JSON.stringify(row)));
      if (!this.isForPeople) return changed.forEach((row) => this.printChange(view, row));
      if (changed.length === 0) return;
      const lookup = await this.lookup(view.needs);
      widths = this.table(view, changed, lookup, widths ? { headers: false, widths } : {});
    };
    await this.onChange(entities, show);
    return 'done';
  }

  private printChange<Row>(view: View<Row>, row: Row): void {
    if (this.format === 'json') this.print(JSON.stringify(row));
    else if (this.format === 'yaml') this.print(`---\n${toYaml(row)}`);
    else this.print(`${view.kind}/${view.nameOf(row)}`);
  }

  /** Calls `look` at first, and again after each burst of changes, until Ctrl-C. */
  private async onChange(entities: readonly string[], look: () => Promise<void>): Promise<void> {
    const { signal } = this.io;
    const stop = new AbortController();
    const ended = AbortSignal.any([signal, stop.signal]);
    let asked = false;
    let looking: Promise<void> | undefined;
    let fault: Error | undefined;
    const work = async (): Promise<void> => {
      while (asked && !ended.aborted) {
        asked = false;
        await look();
        await sleep(pollMs, undefined, { signal: ended }).catch(() => undefined);
      }
    };
    const ask = (): void => {
      asked = true;
      looking ??= work()
        .catch((error: unknown) => {
          if (isPassing(error)) return this.note(error.message);
          fault = error as Error;
          stop.abort();
        })
        .finally(() => (looking = undefined));
    };
    await followEvents(this.api, {
      signal: ended,
      onOpen: ask,
      onBreak: (why) => this.note(`${why.message} Trying again.`),
      onMessage: ({ kind, entity }) => {
        if (kind === 'reset' || (kind !== 'usage' && entities.includes(entity))) ask();
      },
    });
    await looking;
    if (fault !== undefined) throw fault;
  }

  /** Looks until it is so, or the deadline passes. A server that is away meanwhile is a reason to look again. */
  async wait<Row>({ what, deadlineMs, read, isDone, describe }: Wait<Row>): Promise<Row> {
    const { signal } = this.io;
    const end = performance.now() + deadlineMs;
    let last = '';
    try {
      for (;;) {
        try {
          const row = await read();
          const verdict = isDone(row);
          if (verdict instanceof Failure) throw verdict;
          if (verdict) return row;
          last = describe?.(row) ?? '';
        } catch (error) {
          if (!isPassing(error)) throw error;
          last = error.message;
        }
        if (performance.now() > end) {
          const state = last === '' ? '' : ` (${last.replace(/\.$/, '')})`;
          throw new Failure('timed-out', `Waited ${formatDuration(deadlineMs)} for ${what}${state}.`, {
            advice: 'It may still happen. --timeout waits longer.',
          });
        }
        this.progress(`waiting for ${what}${last === '' ? '' : `: ${last}`}`);
        await sleep(pollMs, undefined, { signal }).catch(() => {
          throw new Failure('interrupted', `Stopped waiting for ${what}; it may still happen.`);
        });
      }
    } finally {
      this.clearProgress();
    }
  }

  /** Asks for the object's own name, so that nobody destroys the wrong one by habit. */
  async confirm(name: string, action: string): Promise<void> {
    if (this.flags.yes) return;
    const { keyboard, err } = this.io;
    if (!keyboard.isTerminal || !err.isTerminal)
      throw new Failure('unconfirmed', `This would ${action}, and nobody can be asked here.`, {
        advice: 'Add --yes if you mean it.',
      });
    err.write(`This will ${action}. Type ${name} to go on: `);
    const answer = await keyboard.readLine();
    if (answer?.trim() !== name)
      throw new Failure('unconfirmed', `Nothing was done: "${answer?.trim() ?? ''}" is not ${name}.`);
  }
}

function clean({ text, colour }: { readonly text: string; readonly colour?: Colour | undefined }): {
  text: string;
  colour: Colour | undefined;
} {
  return { text: plain(text), colour };
}

function isPassing(error: unknown): error is Failure {
  return (
    error instanceof Failure &&
    error.exit === 'unreachable' &&
    error.code !== 'unexpected-answer' &&
    error.code !== 'no-server'
  );
}
