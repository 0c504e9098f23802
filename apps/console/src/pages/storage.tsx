import { newImageBody } from '@argosy/contracts/bodies';
import { Button, Checkbox } from '@patternfly/react-core';
import { useState } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Datastore, Image } from '../fleet/rows';
import { useHasRead, useNamed, useRows } from '../fleet/use-fleet';
import { Bar } from '../ui/bar';
import { DataTable } from '../ui/data-table';
import { Dialog, useDialog } from '../ui/dialog';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { bytes, duration, mebibytes, percent } from '../ui/format';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { fullInMs } from './datastore-room';
import { DatastoreAlarmDialog, NewDatastoreDialog } from './datastore-dialogs';
import { UploadImageDialog } from './upload-image';

export function DatastoresPage() {
  const hasRead = useHasRead();
  const datastores = useNamed('datastore');
  const [hosts, guests] = [useRows('host'), useRows('guest')];
  const may = useMay();
  const { open, show, close } = useDialog<'new'>();
  const [removed, setRemoved] = useState<Datastore | null>(null);
  const [changed, setChanged] = useState<Datastore | null>(null);
  const create = may('datastore.create') && <Button onClick={() => show('new')}>Add a datastore</Button>;
  const guestsOn = (id: string) => [...guests.values()].filter(({ datastoreId }) => datastoreId === id).length;
  return (
    <Page title="Datastores" actions={datastores.length > 0 && create}>
      <PageBody>
        {!hasRead ? (
          <Waiting />
        ) : (
          <DataTable
            label="datastores"
            rows={datastores}
            keyOf={({ id }) => id}
            sortedBy={{ title: 'Name' }}
            columns={[
              { title: 'Name', value: ({ name }) => name },
              {
                title: 'Reached by',
                value: ({ hostId }) => (hostId === null ? 'every host' : (hosts.get(hostId)?.name ?? hostId)),
              },
              { title: 'Path', value: ({ path }) => path, isWide: true },
              {
                title: 'Used',
                value: ({ use }) => (use === null ? null : 1 - use.freeBytes / use.totalBytes),
                isNumber: true,
                show: ({ name, use }) =>
                  use === null ? (
                    'not measured yet'
                  ) : (
                    <Bar
                      label={`Room of ${name} used`}
                      value={use.totalBytes - use.freeBytes}
                      maximum={use.totalBytes}
                      text={`${bytes(use.freeBytes)} of ${bytes(use.totalBytes)} free`}
                    />
                  ),
              },
              {
                title: 'Full in',
                value: ({ use }) => fullInMs(use),
                show: ({ use }) => (fullInMs(use) === null ? '–' : duration(fullInMs(use)!)),
                isNumber: true,
              },
              {
                title: 'Alarm at',
                value: ({ alarmUsedShare }) => alarmUsedShare,
                show: (datastore) =>
                  may('datastore.update') ? (
                    <Button
                      variant="link"
                      isInline
                      aria-label={`${percent(datastore.alarmUsedShare)}: change the alarm of ${datastore.name}`}
                      onClick={() => setChanged(datastore)}
                    >
                      {percent(datastore.alarmUsedShare)}
                    </Button>
                  ) : (
                    percent(datastore.alarmUsedShare)
                  ),
                isNumber: true,
              },
              { title: 'Guests', value: ({ id }) => guestsOn(id), isNumber: true },
              {
                title: 'Actions',
                value: () => '',
                show: (datastore) =>
                  may('datastore.remove') && (
                    <Button
                      variant="link"
                      isInline
                      aria-label={`Remove ${datastore.name}`}
                      onClick={() => setRemoved(datastore)}
                    >
                      Remove
                    </Button>
                  ),
              },
            ]}
            empty={
              <Nothing title="No datastore" action={create}>
                A datastore is a folder for disks and images: one that every host sees under the same path, or one
                host’s own.
              </Nothing>
            }
          />
        )}
      </PageBody>
      {open === 'new' && <NewDatastoreDialog onClose={close} />}
      {changed && <DatastoreAlarmDialog datastore={changed} onClose={() => setChanged(null)} />}
      {removed && (
        <Dialog
          title={`Forget ${removed.name}`}
          deed="Remove"
          isDangerous
          onClose={() => setRemoved(null)}
          run={() => call('datastore.remove', { params: { id: removed.id } })}
        >
          <p>
            The folder {removed.path} stays as it is. This is refused while guests or images are kept there
            {guestsOn(removed.id) > 0 ? `, as now: ${guestsOn(removed.id)} guests` : ''}.
          </p>
        </Dialog>
      )}
    </Page>
  );
}

export function ImagesPage() {
  const hasRead = useHasRead();
  const images = useNamed('image');
  const [datastores, guests] = [useRows('datastore'), useRows('guest')];
  const may = useMay();
  const { open, show, close } = useDialog<'new' | 'upload'>();
  const [removed, setRemoved] = useState<Image | null>(null);
  const create = may('image.create') && (
    <>
      <Button onClick={() => show('upload')}>Upload a disk</Button>
      <Button variant="secondary" onClick={() => show('new')}>
        Add what is on a datastore
      </Button>
    </>
  );
  const guestsOf = (id: string) => [...guests.values()].filter(({ imageId }) => imageId === id).length;
  return (
    <Page title="Images" actions={images.length > 0 && create}>
      <PageBody>
        {!hasRead ? (
          <Waiting />
        ) : (
          <DataTable
            label="images"
            rows={images}
            keyOf={({ id }) => id}
            sortedBy={{ title: 'Name' }}
            columns={[
              { title: 'Name', value: ({ name }) => name },
              { title: 'Format', value: ({ format }) => format },
              {
                title: 'For',
                value: ({ architecture, firmware }) =>
                  firmware === 'none' ? architecture : `${architecture}, ${firmware}`,
              },
              {
                title: 'Memory at least',
                value: ({ minimumMemoryMiB }) => minimumMemoryMiB,
                show: ({ minimumMemoryMiB }) => mebibytes(minimumMemoryMiB),
                isNumber: true,
              },
              { title: 'Datastore', value: ({ datastoreId }) => datastores.get(datastoreId)?.name ?? '' },
              {
                title: 'Files',
                value: ({ kernelPath, initrdPath, diskPath }) =>
                  [kernelPath, initrdPath, diskPath].filter(Boolean).join(', '),
                isWide: true,
              },
              { title: 'Guests', value: ({ id }) => guestsOf(id), isNumber: true },
              {
                title: 'Actions',
                value: () => '',
                show: (image) =>
                  may('image.remove') && (
                    <Button
                      variant="link"
                      isInline
                      aria-label={`Remove ${image.name}`}
                      onClick={() => setRemoved(image)}
                    >
                      Remove
                    </Button>
                  ),
              },
            ]}
            empty={
              <Nothing title="No image" action={create}>
                An image is what guests boot from: a kernel or a disk on a datastore. Upload a disk from this computer,
                or name files that lie on a datastore already.
              </Nothing>
            }
          />
        )}
      </PageBody>
      {open === 'upload' && <UploadImageDialog onClose={close} />}
      {open === 'new' && <NewImageDialog onClose={close} />}
      {removed && (
        <Dialog
          title={`Remove the image ${removed.name}`}
          deed="Remove"
          isDangerous
          onClose={() => setRemoved(null)}
          run={() => call('image.remove', { params: { id: removed.id } })}
        >
          <p>
            Its files stay where they are. This is refused while guests use it
            {guestsOf(removed.id) > 0 ? `, as ${guestsOf(removed.id)} do now` : ''}.
          </p>
        </Dialog>
      )}
    </Page>
  );
}

const formats = newImageBody.shape.format.options;

function NewImageDialog({ onClose }: { readonly onClose: () => void }) {
  const datastores = useNamed('datastore');
  const [name, setName] = useState('');
  const [format, setFormat] = useState<(typeof formats)[number]>('qcow2');
  const [path, setPath] = useState('');
  const [initrdPath, setInitrdPath] = useState('');
  const [datastore, setDatastore] = useState(datastores[0]?.id ?? '');
  const [isUefi, setIsUefi] = useState(false);
  return (
    <Dialog
      title="Add an image"
      deed="Add"
      isDisabled={name === '' || path === '' || datastore === ''}
      onClose={onClose}
      run={() =>
        call('image.create', {
          body: {
            name,
            format,
            datastore,
            ...(format === 'kernel'
              ? { kernelPath: path, initrdPath: initrdPath === '' ? null : initrdPath }
              : { diskPath: path, firmware: isUefi ? ('uefi' as const) : ('bios' as const) }),
          },
        })
      }
    >
      {datastores.length === 0 && <p>Add a datastore first: an image’s files lie on one.</p>}
      <TextField label="Name" isRequired value={name} onChange={setName} />
      <ChoiceField
        label="Format"
        value={format}
        onChange={(chosen) => setFormat(chosen as typeof format)}
        choices={choicesOf(formats)}
      />
      <ChoiceField
        label="Datastore"
        value={datastore}
        onChange={setDatastore}
        choices={datastores.map((each) => ({ value: each.id, label: `${each.name} (${each.path})` }))}
      />
      <TextField
        label={format === 'kernel' ? 'Path of the kernel' : 'Path of the disk'}
        isRequired
        value={path}
        onChange={setPath}
        help="Absolute, on that datastore."
      />
      {format === 'kernel' ? (
        <TextField label="Path of the initial ramdisk" value={initrdPath} onChange={setInitrdPath} />
      ) : (
        <Checkbox
          id="image-uefi"
          label="It boots with UEFI"
          isChecked={isUefi}
          onChange={(_event, is) => setIsUefi(is)}
        />
      )}
    </Dialog>
  );
}
