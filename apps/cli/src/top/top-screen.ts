import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { Host } from '@argosy/domain/entities';
import type { Instant } from '@argosy/domain/units';
import { Lookup } from '../lookup';
import { cut, paint, plain, tableLines, textWidth, type Cell, type Colour } from '../output/table';
import { clock, cpu, memory, nothing, percent } from '../output/units';
import { colourOfState } from '../output/columns';
import { migrationProgress } from '../output/history-views';
import { guestView } from '../output/inventory-views';
import type { FleetView } from './fleet-view';

export interface TopSize {
  readonly columns: number;
  /** Infinity: everything, for output that scrolls. */
  readonly rows: number;
  readonly useColour: boolean;
}

const mostMigrations = 6;
const fewestEvents = 4;
const mostEvents = 12;

export function bar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(filled) + '·'.repeat(width - filled);
}

function loadColour(share: number): Colour {
  if (share > 0.9) return 'red';
  return share > 0.7 ? 'yellow' : 'green';
}

function numerically(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name.localeCompare(right.name, 'en', { numeric: true });
}

function hostCells(host: Host, lookup: Lookup, barWidth: number): Cell[] {
  const usage = lookup.usages.get(host.id);
  const { cpuMillicores, memoryMiB } = host.capacity;
  const used = cpuMillicores > 0 && usage?.heardAt ? usage.cpuMillicores / cpuMillicores : 0;
  const residents = [...lookup.guests.values()].filter(({ hostId }) => hostId === host.id);
  const promised = residents.reduce((sum, guest) => sum + guest.memoryMiB, 0);
  const state = host.maintenance === 'none' ? host.state : `${host.state}, maintenance ${host.maintenance}`;
  return [
    { text: host.name },
    { text: state, colour: colourOfState(host.state) },
    { text: bar(used, barWidth), colour: loadColour(used) },
    { text: percent(used) },
    { text: `${cpu(usage?.cpuMillicores ?? 0)}/${cpu(cpuMillicores)}` },
    { text: bar(memoryMiB > 0 ? promised / memoryMiB : 0, Math.ceil(barWidth / 2)), colour: 'blue' },
    { text: `${memory(promised)}/${memory(memoryMiB)}` },
    { text: `${residents.length}` },
  ];
}

const guestTitles = ['NAME', 'STATE', 'HOST', 'CPU', 'DEMAND', 'MEMORY', 'HEARTBEAT'];
const guestColumns = guestTitles.flatMap((title) => guestView.columns.filter((column) => column.title === title));

function guestCells(guest: Guest, lookup: Lookup): Cell[] {
  return guestColumns.map(({ text, colour }) => ({
    text: plain(text(guest, lookup)),
    colour: colour?.(guest, lookup),
  }));
}

/** The first so many, and how many more there are. */
function fit(lines: readonly string[], room: number): string[] {
  if (lines.length <= room) return [...lines];
  return room < 1 ? [] : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more`];
}

function migrationLines(view: FleetView, lookup: Lookup, now: Instant): string[] {
  return view.shownMigrations(now).map((migration) => {
    const { guestId, sourceHostId, targetHostId, progress, step, endedAt } = migration;
    const copied =
      endedAt !== null
        ? 1
        : progress && progress.totalBytes > 0
          ? 1 - progress.remainingBytes / progress.totalBytes
          : 0;
    const way = `${lookup.nameOf('host', sourceHostId)} → ${lookup.nameOf('host', targetHostId)}`;
    const how = migrationProgress(migration);
    return `${lookup.nameOf('guest', guestId)}  ${way}  ${bar(copied, 20)}  ${step}${how === nothing ? '' : `  ${how}`}`;
  });
}

/** A line for each row of the terminal, none wider than it. */
export function topLines(
  view: FleetView,
  title: string,
  { now, size }: { readonly now: Instant; readonly size: TopSize },
): string[] {
  const { columns, rows, useColour } = size;
  const lookup = new Lookup(now);
  lookup.hosts = view.hosts;
  lookup.guests = view.guests;
  lookup.use([...view.usages.values()]);

  const barWidth = Math.max(6, Math.min(30, Math.floor((columns - 70) / 1.5)));
  const hosts = [...view.hosts.values()].sort(numerically);
  const guests = [...view.guests.values()].sort(numerically);
  const hostTable = tableLines(
    hosts.map((host) => hostCells(host, lookup, barWidth)),
    {
      titles: ['HOST', 'STATE', 'PROCESSORS', '', '', 'MEMORY', '', 'GUESTS'],
      right: [false, false, false, true, true, false, true, true],
      useColour,
    },
  );
  const guestTable = tableLines(
    guests.map((guest) => guestCells(guest, lookup)),
    {
      titles: guestTitles,
      right: guestColumns.map(({ right }) => right === true),
      useColour,
    },
  );
  const moving = fit(migrationLines(view, lookup, now), mostMigrations);
  const events = view.events.slice(0, mostEvents).map(({ at, severity, message }) => {
    const line = cut(`${clock(at, now)}  ${plain(message)}`, columns);
    return severity === 'information' ? line : paint(line, severity === 'error' ? 'red' : 'yellow', useColour);
  });

  const heading = [cut(title, columns), ''];
  const hostRoom = Math.max(3, Math.floor(rows / 3));
  const migrationPart =
    moving.length === 0
      ? []
      : [paint('MIGRATIONS', 'bold', useColour), ...moving.map((line) => cut(line, columns)), ''];
  const top = [...heading, ...fit(hostTable, hostRoom), '', ...migrationPart];
  const guestRoom = Math.max(2, rows - top.length - fewestEvents - 2);
  const middle = [...top, ...fit(guestTable, guestRoom), '', paint('EVENTS', 'bold', useColour)];
  const all = [...middle, ...events.slice(0, Math.max(0, rows - middle.length))];
  return all.slice(0, rows).map((line) => clip(line, columns));
}

/** Cuts a painted line; tables are seldom wider than the terminal, and then they lose their colours. */
function clip(line: string, columns: number): string {
  // eslint-disable-next-line no-control-regex -- the colours that `paint` puts in
  const bare = line.replace(/\x1b\[\d*m/g, '');
  return textWidth(bare) <= columns ? line : cut(bare, columns);
}

/** What to write so that the screen shows `lines` where it shows `shown`: only what changed. */
export function redraw(shown: readonly string[], lines: readonly string[]): string {
  const rows = Math.max(shown.length, lines.length);
  let text = '';
  for (let row = 0; row < rows; row++) {
    if (shown[row] !== lines[row]) text += `\x1b[${row + 1};1H${lines[row] ?? ''}\x1b[K`;
  }
  return text;
}
