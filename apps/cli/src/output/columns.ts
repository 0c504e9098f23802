import type { Colour } from './table';
import { age, exactTime, nothing, shortId } from './units';
import type { Column } from './view';

const good = ['running', 'online', 'done', 'succeeded', 'finished', 'met', 'applied'];
const bad = [
  'failed',
  'fenced',
  'suspect',
  'disconnected',
  'recovering',
  'error',
  'missed',
  'aborted',
  'refused',
  'denied',
  'dropped',
];
const idle = ['stopped', 'offline', 'cancelled', 'withdrawn', 'information', 'none'];

/** Every lifecycle in the same colours: all is well, something is wrong, nothing is wanted, something is under way. */
export function colourOfState(state: string): Colour | undefined {
  if (good.includes(state)) return 'green';
  if (bad.includes(state)) return 'red';
  return idle.includes(state) ? 'dim' : 'yellow';
}

export function stateColumn<Row>(read: (row: Row) => string, title = 'STATE'): Column<Row> {
  return { title, text: read, colour: (row) => colourOfState(read(row)) };
}
export function idColumn<Row extends { readonly id: string }>(): Column<Row> {
  return { title: 'ID', text: ({ id }) => id, only: 'wide' };
}
export function shortIdColumn<Row extends { readonly id: string }>(): Column<Row> {
  return { title: 'ID', text: ({ id }) => shortId(id), only: 'table' };
}
export function createdColumns<Row extends { readonly createdAt: number }>(): Column<Row>[] {
  return [
    { title: 'AGE', text: ({ createdAt }, { now }) => age(now - createdAt) },
    { title: 'CREATED', text: ({ createdAt }) => exactTime(createdAt), only: 'detail' },
  ];
}
export const orNothing = (text: string | null | undefined): string =>
  text === null || text === undefined || text === '' ? nothing : text;
