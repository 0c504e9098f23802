import { Button } from '@patternfly/react-core';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { useMay } from '../api/session';
import type { Pool } from '../fleet/rows';
import { useHasRead, useNamed, useRows } from '../fleet/use-fleet';
import { type Column, DataTable } from '../ui/data-table';
import { useDialog } from '../ui/dialog';
import { figure } from '../ui/format';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { NewPoolDialog } from './new-pool';
import { admissionTitles } from './pool-words';

export function PoolsPage() {
  const hasRead = useHasRead();
  const pools = useNamed('pool');
  const [hosts, guests] = [useRows('host'), useRows('guest')];
  const may = useMay();
  const { open, show, close } = useDialog<'new'>();
  const columns = useMemo<Column<Pool>[]>(() => {
    const within = (rows: ReadonlyMap<string, { readonly poolId: string }>, id: string) =>
      [...rows.values()].filter(({ poolId }) => poolId === id).length;
    return [
      { title: 'Name', value: ({ name }) => name, show: ({ id, name }) => <Link to={`/pools/${id}`}>{name}</Link> },
      {
        title: 'Hosts',
        value: ({ id }) => within(hosts, id),
        show: ({ id }) => figure(within(hosts, id)),
        isNumber: true,
      },
      {
        title: 'Guests',
        value: ({ id }) => within(guests, id),
        show: ({ id }) => figure(within(guests, id)),
        isNumber: true,
      },
      { title: 'Automation', value: ({ balance }) => balance.automation },
      { title: 'Room for failures', value: ({ failure }) => admissionTitles[failure.admission] },
      { title: 'Subnet', value: ({ network }) => network.subnet },
    ];
  }, [hosts, guests]);
  const create = may('pool.create') && <Button onClick={() => show('new')}>Create a pool</Button>;
  return (
    <Page title="Pools" actions={pools.length > 0 && create}>
      <PageBody>
        {hasRead ? (
          <DataTable
            label="pools"
            rows={pools}
            columns={columns}
            keyOf={({ id }) => id}
            sortedBy={{ title: 'Name' }}
            empty={
              <Nothing title="No pool" action={create}>
                A pool is hosts under one policy: how they are balanced, what happens when one fails.
              </Nothing>
            }
          />
        ) : (
          <Waiting />
        )}
      </PageBody>
      {open === 'new' && <NewPoolDialog onClose={close} />}
    </Page>
  );
}
