import { Button, SearchInput } from '@patternfly/react-core';
import { type ColumnDef, getCoreRowModel, type SortingState, useReactTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { type Ordered, ordered, withText } from '../fleet/ordering';
import { count, figure } from './format';

export interface Column<Row> {
  readonly title: string;
  /** What it is sorted and filtered by. */
  readonly value: (row: Row) => string | number | null;
  /** What is shown, if it is more than the value. */
  readonly show?: (row: Row) => ReactNode;
  readonly isNumber?: boolean;
  /** Its value changes while the row does not: sorted by it, the rows are put in order again and again. */
  readonly isLive?: boolean;
  /** Takes what room the others leave, and breaks its lines. */
  readonly isWide?: boolean;
}

interface DataTableProps<Row> {
  /** What the rows are: said to screen readers, and counted above the table. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly sortedBy?: { readonly title: string; readonly descending?: boolean };
  /** Said where there are none: what would fill it. */
  readonly empty: ReactNode;
  /** Beside the filter; of what it leaves, in the order in which that is shown. */
  readonly actions?: ReactNode | ((shown: readonly Row[]) => ReactNode);
  readonly isUnfiltered?: boolean;
}

/** Up to so many rows all stand on the page; more are drawn as they are scrolled to. */
const mostWhole = 100;
const rowHeight = 41;
const noRows: never[] = [];

/** A table that can be sorted and searched, and takes 20,000 rows. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, rows, columns, keyOf, sortedBy, empty, isUnfiltered = false } = props;
  const [sorting, setSorting] = useState<SortingState>(
    sortedBy ? [{ id: sortedBy.title, desc: sortedBy.descending ?? false }] : [],
  );
  const [search, setSearch] = useState('');
  const definitions = useMemo(() => columns.map(definitionOf), [columns]);
  const isLive = columns.some(({ title, isLive: is }) => is && title === sorting[0]?.id);
  const data = useReordered(rows, isLive);
  // It has the heads of the columns, and what they are sorted by. Making rows of its own of 20,000 at each change takes longer than a frame.
  const table = useReactTable({
    data: noRows,
    columns: definitions,
    state: { sorting },
    manualSorting: true,
    onSortingChange: setSorting,
    getCoreRowModel: getCoreRowModel(),
  });
  const shown = useShown(data, columns, { sorting, search, isLive });
  const scroller = useRef<HTMLDivElement>(null);
  const isVirtual = shown.length > mostWhole;
  const virtualizer = useVirtualizer({
    count: shown.length,
    enabled: isVirtual,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const items = virtualizer.getVirtualItems();
  // At the moment at which rows go, some that are counted are not there any more.
  const seen = isVirtual ? items.flatMap(({ index }) => shown.slice(index, index + 1)) : shown;
  const above = isVirtual ? (items[0]?.start ?? 0) : 0;
  const below = isVirtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0;
  const actions = typeof props.actions === 'function' ? props.actions(shown) : props.actions;
  if (rows.length === 0)
    return (
      <div className="table-empty">
        {actions}
        {empty}
      </div>
    );
  return (
    <div className="table-area">
      {(!isUnfiltered || actions) && (
        <div className="table-tools">
          {!isUnfiltered && (
            <SearchInput
              aria-label={`Filter ${label}`}
              placeholder="Filter"
              value={search}
              onChange={(_event, typed) => setSearch(typed)}
              onClear={() => setSearch('')}
            />
          )}
          <span className="quiet">
            {shown.length === rows.length ? '' : `${figure(shown.length)} of `}
            {count(rows.length, label.replace(/s$/, ''), label)}
          </span>
          <span className="spring" />
          {actions}
        </div>
      )}
      <div
        className={isVirtual ? 'table-scroller is-virtual' : 'table-scroller'}
        ref={scroller}
        tabIndex={0}
        role="region"
        aria-label={label}
      >
        <table className={isVirtual ? 'table' : 'table is-stacked'} aria-label={label} aria-rowcount={shown.length + 1}>
          <thead>
            <tr>
              {table.getFlatHeaders().map((header, index) => {
                const { title, isNumber } = columns[index]!;
                const sorted = header.column.getIsSorted();
                return (
                  <th
                    key={title}
                    scope="col"
                    className={isNumber ? 'number' : undefined}
                    aria-sort={sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : 'none'}
                  >
                    <Button variant="plain" className="sort" onClick={header.column.getToggleSortingHandler()}>
                      {title}
                      <span aria-hidden="true">{sorted === 'asc' ? ' ↑' : sorted === 'desc' ? ' ↓' : ''}</span>
                    </Button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {above > 0 && <tr aria-hidden="true" style={{ height: above }} />}
            {seen.map((row, index) => (
              <TableRow
                key={keyOf(row)}
                row={row}
                columns={columns as readonly Column<unknown>[]}
                position={isVirtual ? (items[0]?.index ?? 0) + index + 2 : undefined}
              />
            ))}
            {below > 0 && <tr aria-hidden="true" style={{ height: below }} />}
          </tbody>
        </table>
        {shown.length === 0 && <p className="quiet table-none">Nothing here has “{search}” in it.</p>}
      </div>
    </div>
  );
}

interface TableRowProps {
  readonly row: unknown;
  readonly columns: readonly Column<unknown>[];
  /** In a table of which only a part is drawn: where it stands, counted from 1 with the heading. */
  readonly position: number | undefined;
}

/** While the table is scrolled, only lines that come into sight are drawn. */
const TableRow = memo(function TableRow({ row, columns, position }: TableRowProps) {
  return (
    <tr aria-rowindex={position}>
      {columns.map(({ title, value, show, isNumber, isWide }) => (
        <td key={title} className={isNumber ? 'number' : isWide ? 'wide' : undefined} data-label={title}>
          {show ? show(row) : value(row)}
        </td>
      ))}
    </tr>
  );
});

const reorderMs = 2000;

/** A new list of the same rows now and then, for values that are not the rows' own. */
function useReordered<Row>(rows: readonly Row[], isLive: boolean): Row[] {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!isLive) return undefined;
    setTurn((before) => before + 1);
    const timer = setInterval(() => setTurn((before) => before + 1), reorderMs);
    return () => clearInterval(timer);
  }, [isLive]);
  return useMemo(() => [...rows], [rows, turn]);
}

/** Those that the search leaves, in the order of the column that was chosen. */
function useShown<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { sorting, search, isLive }: { readonly sorting: SortingState; readonly search: string; readonly isLive: boolean },
): readonly Row[] {
  const before = useRef<Ordered<Row> | null>(null);
  const found = useMemo(
    () =>
      withText(
        rows,
        search,
        columns.map(({ value }) => value),
      ),
    // Without a search no value is looked at, and columns that are new for their live figures change nothing.
    [rows, search, search === '' ? null : columns],
  );
  return useMemo(() => {
    const [by] = sorting;
    const column = columns.find(({ title }) => title === by?.id);
    const order = by && column ? { title: column.title, descending: by.desc, value: column.value } : null;
    before.current = ordered(found, order, before.current);
    return before.current.rows;
    // By live figures the rows are put in order when there are new rows, and not with each figure.
  }, [found, sorting, isLive ? null : columns]);
}

function definitionOf<Row>({ title, value, isNumber }: Column<Row>): ColumnDef<Row> {
  return {
    id: title,
    accessorFn: value,
    sortDescFirst: isNumber === true,
  };
}
