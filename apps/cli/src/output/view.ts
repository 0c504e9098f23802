import type { Lookup, LookupKind } from '../lookup';
import type { Cell, Colour } from './table';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row, lookup: Lookup) => string;
  readonly colour?: (row: Row, lookup: Lookup) => Colour | undefined;
  readonly right?: true;
  /** wide: in -o wide and when one object is shown. detail: only when one is shown. table: only where there is little room. */
  readonly only?: 'table' | 'wide' | 'detail';
}

/** How rows of one kind are printed. */
export interface View<Row> {
  /** For -o name: "guest/web". */
  readonly kind: string;
  readonly needs: readonly LookupKind[];
  readonly nameOf: (row: Row) => string;
  readonly columns: readonly Column<Row>[];
}

export function columnsFor<Row>({ columns }: View<Row>, depth: 'table' | 'wide' | 'detail'): readonly Column<Row>[] {
  return columns.filter(({ only }) => only === undefined || only === depth || (depth === 'detail' && only === 'wide'));
}

export function cellOf<Row>(column: Column<Row>, row: Row, lookup: Lookup): Cell {
  return { text: column.text(row, lookup), colour: column.colour?.(row, lookup) };
}
