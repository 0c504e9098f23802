import { Radio } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client';
import type { Guest } from '../fleet/rows';
import { useNamed, useUsage } from '../fleet/use-fleet';
import { Bar } from '../ui/bar';
import { Dialog } from '../ui/dialog';
import { ChoiceField } from '../ui/field';
import { percent } from '../ui/format';
import { Waiting } from '../ui/page';
import { messageOf } from '../ui/toasts';
import { loadOf } from './fleet-canvas';

const best = '';

/** Every host of the pool, with why it takes the guest or does not. */
export function MigrateDialog({ guest, onClose }: { readonly guest: Guest; readonly onClose: () => void }) {
  const [host, setHost] = useState(best);
  const [datastore, setDatastore] = useState('');
  const usage = useUsage();
  const datastores = useNamed('datastore').filter(({ id }) => id !== guest.datastoreId);
  const { data, error, isPending } = useQuery({
    queryKey: ['read', 'guest-hosts', guest.id, datastore],
    queryFn: ({ signal }) =>
      call('guest.hosts', { params: { guest: guest.id }, query: datastore === '' ? {} : { datastore } }, { signal }),
    refetchInterval: 5000,
  });
  const fitting = (data?.items ?? []).filter(({ rejection, isCurrent }) => rejection === null && !isCurrent);
  const bestHost = fitting.find(({ isBest }) => isBest);
  return (
    <Dialog
      title={`Migrate ${guest.name}`}
      deed="Migrate"
      size="medium"
      isDisabled={host === best && fitting.length === 0}
      onClose={onClose}
      run={() =>
        call('guest.migrate', {
          params: { guest: guest.id },
          body: { ...(host === best ? {} : { host }), ...(datastore === '' ? {} : { datastore }) },
        })
      }
    >
      <p>It goes on running, and stands still for some milliseconds at the end.</p>
      {error && <p role="alert">{messageOf(error)}</p>}
      {isPending && <Waiting />}
      {data && (
        <div className="choice-list" role="radiogroup" aria-label="To which host">
          <Radio
            id="host-best"
            name="host"
            label={bestHost ? `The best one: ${bestHost.hostName}` : 'The best one: none takes it now'}
            isChecked={host === best}
            isDisabled={bestHost === undefined}
            onChange={() => setHost(best)}
          />
          {data.items.map(({ hostId, hostName, isCurrent, rejection }) => (
            <Radio
              key={hostId}
              id={`host-${hostId}`}
              name="host"
              label={hostName}
              isChecked={host === hostId}
              isDisabled={isCurrent || rejection !== null}
              description={
                isCurrent ? (
                  'It is here.'
                ) : rejection === null ? (
                  <Bar
                    label={`Processors of ${hostName} used`}
                    value={loadOf(usage.get(hostId))}
                    maximum={1}
                    text={`It fits; ${percent(loadOf(usage.get(hostId)))} of its processors are used.`}
                  />
                ) : (
                  rejection.reason
                )
              }
              onChange={() => setHost(hostId)}
            />
          ))}
        </div>
      )}
      {datastores.length > 0 && (
        <ChoiceField
          label="Its disk"
          value={datastore}
          onChange={setDatastore}
          choices={[
            { value: '', label: 'stays where it is' },
            ...datastores.map(({ id, name }) => ({ value: id, label: `moves to ${name}` })),
          ]}
        />
      )}
    </Dialog>
  );
}
