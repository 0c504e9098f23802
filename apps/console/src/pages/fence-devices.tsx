import { Button } from '@patternfly/react-core';
import { newFenceDeviceBody } from '@argosy/contracts/bodies';
import { useState } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Host } from '../fleet/rows';
import { DataTable } from '../ui/data-table';
import { Dialog, useDialog } from '../ui/dialog';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { duration } from '../ui/format';
import { Nothing } from '../ui/page';

type Device = Host['fenceDevices'][number];

/** In the order in which they are tried. */
export function FenceDevices({ host }: { readonly host: Host }) {
  const may = useMay();
  const { open, show, close } = useDialog<'add'>();
  const [removed, setRemoved] = useState<Device | null>(null);
  const add = may('host.add-fence-device') && <Button onClick={() => show('add')}>Add a fence device</Button>;
  return (
    <>
      <DataTable
        label="fence devices"
        rows={host.fenceDevices}
        keyOf={({ name }) => name}
        isUnfiltered
        actions={host.fenceDevices.length > 0 && add}
        columns={[
          { title: 'Name', value: ({ name }) => name },
          { title: 'Kind', value: ({ kind }) => kind },
          { title: 'Address', value: ({ address }) => address, isWide: true },
          {
            title: 'Deadline',
            value: ({ deadlineMs }) => deadlineMs,
            show: ({ deadlineMs }) => duration(deadlineMs),
            isNumber: true,
          },
          { title: 'Set by', value: ({ setBy }) => setBy },
          {
            title: 'Actions',
            value: () => '',
            show: (device) =>
              may('host.remove-fence-device') && (
                <Button variant="link" isInline onClick={() => setRemoved(device)} aria-label={`Remove ${device.name}`}>
                  Remove
                </Button>
              ),
          },
        ]}
        empty={
          <Nothing title="No fence device" action={add}>
            Without one, nothing proves that {host.name} is off when it fails, but its own watchdog: its guests may wait
            for that before they are started elsewhere.
          </Nothing>
        }
      />
      {open === 'add' && <AddDialog host={host} onClose={close} />}
      {removed && (
        <Dialog
          title={`Take ${removed.name} from ${host.name}`}
          deed="Remove"
          isDangerous
          onClose={() => setRemoved(null)}
          run={() => call('host.remove-fence-device', { params: { host: host.id, device: removed.name } })}
        >
          <p>
            {host.fenceDevices.length === 1
              ? `It is the only one: if ${host.name} fails, its guests wait for its watchdog’s word.`
              : 'The others are tried in their order.'}
          </p>
        </Dialog>
      )}
    </>
  );
}

const kinds = newFenceDeviceBody.shape.kind.options;

function AddDialog({ host, onClose }: { readonly host: Host; readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState<(typeof kinds)[number]>('fence-agent');
  const [address, setAddress] = useState('');
  const [options, setOptions] = useState('');
  const [secrets, setSecrets] = useState('');
  const helps = {
    chassis: 'The path of the power switch’s socket, beginning with /.',
    'fence-agent': 'The name of a fence agent’s program, like fence_ipmilan.',
    webhook: 'A URL, beginning with https:// or http://.',
  };
  return (
    <Dialog
      title={`Add a fence device to ${host.name}`}
      deed="Add"
      isDisabled={name === '' || address === ''}
      onClose={onClose}
      run={() =>
        call('host.add-fence-device', {
          params: { host: host.id },
          body: { name, kind, address, options: pairs(options), secrets: pairs(secrets) },
        })
      }
    >
      <TextField label="Name" isRequired value={name} onChange={setName} />
      <ChoiceField
        label="Kind"
        value={kind}
        onChange={(chosen) => setKind(chosen as typeof kind)}
        choices={choicesOf(kinds)}
      />
      <TextField label="Address" isRequired value={address} onChange={setAddress} help={helps[kind]} />
      <TextField
        label="Options"
        value={options}
        onChange={setOptions}
        help="Like ip=10.0.0.9 login=admin, with blanks between."
      />
      <TextField
        label="Secrets"
        type="password"
        value={secrets}
        onChange={setSecrets}
        help="Like password=…; never shown again."
      />
    </Dialog>
  );
}

function pairs(text: string): Record<string, string> {
  const words = text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
  return Object.fromEntries(words.map((word) => [word.split('=', 1)[0]!, word.slice(word.indexOf('=') + 1)]));
}
