import { Button, Radio } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Datastore, Guest } from '../fleet/rows';
import { seenOn, useRows, useUsage } from '../fleet/use-fleet';
import { Bar } from '../ui/bar';
import { Dialog, useDialog } from '../ui/dialog';
import { Facts, Section } from '../ui/facts';
import { bytes, duration, mebibytes } from '../ui/format';
import { Waiting } from '../ui/page';
import { messageOf } from '../ui/toasts';
import { fullInMs } from './datastore-room';
import { GuestMove } from './guest-move';

/** The guest's disk: what it is, where it lies, what room there is, and whether it is on its way elsewhere. */
export function GuestDisks({ guest }: { readonly guest: Guest }) {
  const may = useMay();
  const { open, show, close } = useDialog<'move'>();
  const usage = useUsage();
  const [datastores, images] = [useRows('datastore'), useRows('image')];
  const datastore = datastores.get(guest.datastoreId);
  const image = images.get(guest.imageId);
  const takes = seenOn(usage, guest)?.usage?.diskBytes ?? null;
  const isMoving = [...useRows('migration').values()].some(
    ({ guestId, endedAt, targetDatastoreId }) => guestId === guest.id && endedAt === null && targetDatastoreId !== null,
  );
  return (
    <>
      <GuestMove guest={guest} />
      <Section title={`Disk of ${guest.name}`}>
        <Facts
          facts={[
            ['Datastore', datastore ? `${datastore.name} (${datastore.path})` : 'unknown'],
            ['Format', image?.architecture === 'argosy32' ? 'layered, of the embedded VMM' : 'qcow2'],
            ['Size', guest.diskMiB === 0 ? 'as large as its image' : `${mebibytes(guest.diskMiB)} at most`],
            ['Takes now', takes === null ? whyUnknown(guest) : `${bytes(takes)} on its datastore`],
            ['Made from', origin(guest, image?.name)],
            [
              'Its datastore’s room',
              datastore?.use == null ? (
                'not measured yet'
              ) : (
                <Bar
                  key="room"
                  label={`Room of ${datastore.name} used`}
                  value={datastore.use.totalBytes - datastore.use.freeBytes}
                  maximum={datastore.use.totalBytes}
                  text={`${bytes(datastore.use.freeBytes)} of ${bytes(datastore.use.totalBytes)} free`}
                />
              ),
            ],
            ['Its datastore’s growth', growthOf(datastore?.use ?? null)],
          ]}
        />
        {may('guest.migrate') && (
          <p className="deeds">
            <Button variant="secondary" isDisabled={isMoving || guest.isTemplate} onClick={() => show('move')}>
              Move the disk
            </Button>{' '}
            {guest.isTemplate && (
              <span className="quiet">A template’s disk stays where guests made from it find it.</span>
            )}
            {isMoving && <span className="quiet">It is on its way already.</span>}
          </p>
        )}
      </Section>
      {open === 'move' && <MoveDiskDialog guest={guest} onClose={close} />}
    </>
  );
}

function whyUnknown({ diskMade, hostId }: Guest): string {
  if (!diskMade) return 'nothing yet: it is made when the guest is first started';
  return hostId === null ? 'measured while the guest runs' : 'not measured yet';
}

function origin({ clonedFrom, basePaths }: Guest, imageName: string | undefined): string {
  const from = clonedFrom === null ? `image ${imageName ?? '?'}` : `guest ${clonedFrom}`;
  return basePaths.length === 0 ? from : `${from}, sharing ${basePaths.length === 1 ? 'a base' : 'bases'} with others`;
}

function growthOf(use: Datastore['use']): string {
  if (use?.growthBytesPerSecond == null) return 'not known yet';
  if (use.growthBytesPerSecond <= 0) return 'none';
  const full = fullInMs(use);
  return `${bytes(use.growthBytesPerSecond * 3600)} an hour${full === null ? '' : `; full in ${duration(full)}`}`;
}

/** Every datastore, with its room and whether the disk could go there. */
function MoveDiskDialog({ guest, onClose }: { readonly guest: Guest; readonly onClose: () => void }) {
  const datastores = useRows('datastore');
  const [chosen, setChosen] = useState('');
  const { data, error, isPending } = useQuery({
    queryKey: ['read', 'guest-datastores', guest.id],
    queryFn: ({ signal }) => call('guest.datastores', { params: { guest: guest.id } }, { signal }),
    refetchInterval: 5000,
  });
  const others = (data?.items ?? []).filter(({ isCurrent }) => !isCurrent);
  return (
    <Dialog
      title={`Move the disk of ${guest.name}`}
      deed="Move the disk"
      size="medium"
      isDisabled={!others.some(({ datastoreId, refusal }) => datastoreId === chosen && refusal === null)}
      onClose={onClose}
      run={() => call('guest.migrate', { params: { guest: guest.id }, body: { datastore: chosen } })}
    >
      <p>
        {guest.hostId === null
          ? 'It is copied while the guest is stopped, which cannot be started meanwhile.'
          : 'The guest stays on its host and goes on running; it stands still for some milliseconds at the end.'}{' '}
        Until all is copied the disk stays where it is, and the move can be cancelled.
      </p>
      {error && <p role="alert">{messageOf(error)}</p>}
      {isPending && <Waiting />}
      {data && others.length === 0 && <p>There is no other datastore. Add one under Datastores.</p>}
      <div className="choice-list" role="radiogroup" aria-label="To which datastore">
        {others.map(({ datastoreId, datastoreName, refusal }) => {
          const use = datastores.get(datastoreId)?.use ?? null;
          return (
            <Radio
              key={datastoreId}
              id={`datastore-${datastoreId}`}
              name="datastore"
              label={datastoreName}
              isChecked={chosen === datastoreId}
              isDisabled={refusal !== null}
              description={
                refusal !== null ? (
                  refusal.message
                ) : use === null ? (
                  'Its room is not measured yet.'
                ) : (
                  <Bar
                    label={`Room of ${datastoreName} used`}
                    value={use.totalBytes - use.freeBytes}
                    maximum={use.totalBytes}
                    text={`${bytes(use.freeBytes)} free`}
                  />
                )
              }
              onChange={() => setChosen(datastoreId)}
            />
          );
        })}
      </div>
    </Dialog>
  );
}
