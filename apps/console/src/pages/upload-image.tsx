import { newUploadBody } from '@argosy/contracts/image-uploads';
import type { RouteResponse } from '@argosy/contracts/routes';
import { Alert, AlertActionLink, Checkbox } from '@patternfly/react-core';
import { useRef, useState } from 'react';
import { call } from '../api/client';
import { uploadDisk } from '../api/upload';
import { useNamed } from '../fleet/use-fleet';
import { Bar } from '../ui/bar';
import { Dialog } from '../ui/dialog';
import { ChoiceField, Field, TextField } from '../ui/field';
import { bytes, percent } from '../ui/format';
import { numberOf } from '../ui/typed';

type Upload = RouteResponse<'image.upload'>;
type Format = Upload['format'];

/** As `argosy image import` names it: the file's name, without its ending. */
export function imageNameOf(file: string): string {
  const name = file.replace(/\.(qcow2?|raw|img)$/i, '').toLowerCase();
  return name
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
}

const formatTitles = { qcow2: 'qcow2', raw: 'raw: the bytes of a disk as they are' } as const;

/** Sends a disk from this computer to a shared datastore, and makes an image of it. */
export function UploadImageDialog({ onClose }: { readonly onClose: () => void }) {
  const datastores = useNamed('datastore').filter(({ shared }) => shared);
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState('');
  const [format, setFormat] = useState<Format>('qcow2');
  const [chosenDatastore, setDatastore] = useState('');
  const datastore = chosenDatastore || (datastores[0]?.id ?? '');
  const [minimumMemoryMiB, setMinimumMemory] = useState('256');
  const [isUefi, setIsUefi] = useState(false);
  const [progress, setProgress] = useState<{ readonly received: number; readonly problem: string | null } | null>(null);
  const upload = useRef<Upload | null>(null);
  const abort = useRef(new AbortController());
  const [isLeaving, setIsLeaving] = useState(false);
  const choose = (chosen: File | undefined) => {
    if (chosen === undefined) return;
    setFile(chosen);
    setName(imageNameOf(chosen.name));
    setFormat(/\.(raw|img)$/i.test(chosen.name) ? 'raw' : 'qcow2');
  };
  const close = () => {
    abort.current.abort();
    // What has arrived is of no use to anybody; if it cannot be deleted now, the controller does it within a day.
    if (upload.current) call('image.upload-abort', { params: { upload: upload.current.id } }).catch(() => undefined);
    onClose();
  };
  const send = async () => {
    const plan = newUploadBody.safeParse({
      name,
      format,
      sizeBytes: file!.size,
      datastore,
      firmware: isUefi ? 'uefi' : 'bios',
      minimumMemoryMiB: numberOf(minimumMemoryMiB),
    });
    if (!plan.success)
      throw new Error(plan.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
    try {
      await uploadDisk(
        file!,
        plan.data,
        {
          signal: abort.current.signal,
          begun: (begun) => (upload.current = begun),
          progress: (received, problem) => setProgress({ received, problem }),
        },
        upload.current,
      );
      upload.current = null;
    } catch (error) {
      if (!abort.current.signal.aborted) throw error;
    }
  };
  const isUnderWay = upload.current !== null;
  return (
    <Dialog
      title="Upload a disk"
      deed={isUnderWay ? 'Go on' : 'Upload'}
      isDisabled={file === null || name === '' || datastore === ''}
      onClose={isUnderWay && !isLeaving ? () => setIsLeaving(true) : close}
      run={send}
    >
      {datastores.length === 0 && (
        <Alert isInline variant="warning" title="Add a shared datastore first">
          An image’s files lie on one.
        </Alert>
      )}
      <Field label="File" isRequired help="A whole qcow2 or raw disk. Compressed ones are unpacked first.">
        {(id) => (
          <input
            id={id}
            type="file"
            disabled={isUnderWay}
            accept=".qcow2,.qcow,.img,.raw"
            onChange={({ target }) => choose(target.files?.[0])}
          />
        )}
      </Field>
      {progress === null ? (
        <>
          <TextField label="Name" isRequired value={name} onChange={setName} />
          <ChoiceField
            label="Format"
            value={format}
            onChange={(chosen) => setFormat(chosen as Format)}
            choices={Object.entries(formatTitles).map(([value, label]) => ({ value, label }))}
          />
          <ChoiceField
            label="Datastore"
            value={datastore}
            onChange={setDatastore}
            choices={datastores.map((each) => ({ value: each.id, label: `${each.name} (${each.path})` }))}
          />
          <TextField
            label="A guest of it needs at least (MiB)"
            type="number"
            value={minimumMemoryMiB}
            onChange={setMinimumMemory}
          />
          <Checkbox
            id="upload-uefi"
            label="It boots with UEFI"
            isChecked={isUefi}
            onChange={(_event, is) => setIsUefi(is)}
          />
        </>
      ) : (
        <div role="status">
          <Bar
            label={`Sent of ${name}`}
            value={progress.received}
            maximum={file!.size}
            isProgress
            text={`${bytes(progress.received)} of ${bytes(file!.size)} (${percent(progress.received / file!.size)})`}
          />
          {progress.problem !== null && <p>It broke off, and is tried again: {progress.problem}</p>}
          {isLeaving ? (
            <Alert
              isInline
              variant="warning"
              title="Give the upload up?"
              actionLinks={
                <>
                  <AlertActionLink isDanger onClick={close}>
                    Give it up
                  </AlertActionLink>
                  <AlertActionLink onClick={() => setIsLeaving(false)}>Keep sending</AlertActionLink>
                </>
              }
            >
              What has arrived is deleted.
            </Alert>
          ) : (
            <p className="quiet">Cancel asks whether to give it up, which deletes what has arrived.</p>
          )}
        </div>
      )}
    </Dialog>
  );
}
