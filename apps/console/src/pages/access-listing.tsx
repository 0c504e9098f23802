import { Alert, ClipboardCopy } from '@patternfly/react-core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import { Answer } from '../ui/answer';
import { type Column, DataTable } from '../ui/data-table';
import { Dialog } from '../ui/dialog';
import { wholeInstant } from '../ui/format';

interface ListingProps<Row> {
  readonly label: string;
  readonly name: string;
  readonly read: () => Promise<{ readonly items: readonly Row[] }>;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly actions?: ReactNode;
  readonly empty: ReactNode;
}

/** The stream says nothing of these: they are read when they are looked at, and after each change made here. */
export function Listing<Row>({ label, name, read, columns, keyOf, actions, empty }: ListingProps<Row>) {
  const listed = useQuery({ queryKey: ['read', 'access', name], queryFn: read });
  return (
    <Answer of={listed} what={`The ${label}`}>
      {({ items }) => (
        <DataTable label={label} rows={items} columns={columns} keyOf={keyOf} actions={actions} empty={empty} />
      )}
    </Answer>
  );
}

export function useChanged() {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: ['read', 'access'] });
}

export const when = (at: number | null, never: string): string => (at === null ? never : wholeInstant(at));

/** The names of users by their ids, for those who may see them. */
export function useUserNames(): ReadonlyMap<string, string> {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ['read', 'access', 'users'],
    queryFn: () => call('user.list'),
    enabled: may('user.list'),
  });
  return new Map(data?.items.map(({ id, name }) => [id, name]));
}

/** A secret, shown this once. */
export function Secret({
  title,
  secret,
  onClose,
}: {
  readonly title: string;
  readonly secret: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={title} deed="I have kept it" onClose={onClose} run={() => Promise.resolve()}>
      <ClipboardCopy isReadOnly hoverTip="Copy" clickTip="Copied" textAriaLabel={title}>
        {secret}
      </ClipboardCopy>
      <Alert isInline variant="info" title="It is not shown again">
        Only its first letters are kept, so that you can tell it from others.
      </Alert>
    </Dialog>
  );
}
