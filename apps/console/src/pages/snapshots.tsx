import { Button, Checkbox } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest, Snapshot } from '../fleet/rows';
import { Answer } from '../ui/answer';
import { DataTable } from '../ui/data-table';
import { Dialog, useDialog } from '../ui/dialog';
import { TextField } from '../ui/field';
import { bytes, duration, wholeInstant } from '../ui/format';
import { Nothing } from '../ui/page';
import { StateLabel } from '../ui/state-label';

interface Asked {
  readonly deed: 'revert' | 'remove';
  readonly snapshot: Snapshot;
}

export function Snapshots({ guest }: { readonly guest: Guest }) {
  const may = useMay();
  const { open, show, close } = useDialog<'take'>();
  const [asked, setAsked] = useState<Asked | null>(null);
  const listed = useQuery({
    queryKey: ['read', 'snapshots', guest.id],
    queryFn: ({ signal }) => call('snapshot.list', { params: { guest: guest.id } }, { signal }),
  });
  const take = may('snapshot.take') && <Button onClick={() => show('take')}>Take a snapshot</Button>;
  const isStopped = guest.state === 'stopped' || guest.state === 'suspended';
  return (
    <>
      <Answer of={listed} what="The snapshots">
        {({ items }) => (
          <DataTable
            label="snapshots"
            rows={items}
            keyOf={({ id }) => id}
            isUnfiltered
            actions={items.length > 0 && take}
            columns={[
              { title: 'Name', value: ({ name }) => name },
              { title: 'State', value: ({ state }) => state, show: ({ state }) => <StateLabel state={state} /> },
              { title: 'Taken', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => wholeInstant(createdAt) },
              {
                title: 'Of',
                value: ({ memoryPath }) => (memoryPath === null ? 'disk' : 'disk and memory'),
                show: ({ memoryPath, memoryBytes }) =>
                  memoryPath === null
                    ? 'disk'
                    : `disk and memory${memoryBytes === null ? '' : ` (${bytes(memoryBytes)})`}`,
              },
              {
                title: 'Stood still',
                value: ({ pauseMs }) => pauseMs,
                show: ({ pauseMs }) => (pauseMs === null ? '' : duration(pauseMs)),
                isNumber: true,
              },
              {
                title: 'Actions',
                value: () => '',
                show: (snapshot) => (
                  <span className="labels">
                    {may('snapshot.revert') && (
                      <Button
                        variant="link"
                        isInline
                        isDisabled={!isStopped}
                        aria-label={`Go back to ${snapshot.name}`}
                        onClick={() => setAsked({ deed: 'revert', snapshot })}
                      >
                        Go back
                      </Button>
                    )}
                    {may('snapshot.remove') && (
                      <Button
                        variant="link"
                        isInline
                        aria-label={`Remove ${snapshot.name}`}
                        onClick={() => setAsked({ deed: 'remove', snapshot })}
                      >
                        Remove
                      </Button>
                    )}
                  </span>
                ),
              },
            ]}
            empty={
              <Nothing title="No snapshot" action={take}>
                A snapshot keeps the disk of {guest.name} as it is, and its memory if it runs, to go back to.
              </Nothing>
            }
          />
        )}
      </Answer>
      {listed.data && listed.data.items.length > 0 && !isStopped && may('snapshot.revert') && (
        <p className="quiet">To go back to a snapshot, stop {guest.name} first.</p>
      )}
      {open === 'take' && <TakeDialog guest={guest} onClose={close} />}
      {asked && <DeedDialog guest={guest} asked={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function TakeDialog({ guest, onClose }: { readonly guest: Guest; readonly onClose: () => void }) {
  const [name, setName] = useState(`s-${new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-')}`);
  const runs = guest.state === 'running' || guest.state === 'paused';
  const [isWithMemory, setIsWithMemory] = useState(runs);
  return (
    <Dialog
      title={`Take a snapshot of ${guest.name}`}
      deed="Take it"
      isDisabled={name === ''}
      onClose={onClose}
      run={() => call('snapshot.take', { params: { guest: guest.id }, body: { name, memory: isWithMemory } })}
    >
      <TextField label="Name" isRequired value={name} onChange={setName} />
      {runs && (
        <Checkbox
          id="with-memory"
          label="With its memory: going back goes on from this moment"
          isChecked={isWithMemory}
          onChange={(_event, is) => setIsWithMemory(is)}
        />
      )}
    </Dialog>
  );
}

function DeedDialog({
  guest,
  asked: { deed, snapshot },
  onClose,
}: {
  readonly guest: Guest;
  readonly asked: Asked;
  readonly onClose: () => void;
}) {
  const params = { guest: guest.id, snapshot: snapshot.id };
  if (deed === 'revert')
    return (
      <Dialog
        title={`Take ${guest.name} back to ${snapshot.name}`}
        deed="Go back"
        isDangerous
        onClose={onClose}
        run={() => call('snapshot.revert', { params })}
      >
        <p>
          What {guest.name} has written since {wholeInstant(snapshot.createdAt)} is lost.
          {snapshot.memoryPath !== null && ' It becomes suspended: its next start goes on from that moment.'}
        </p>
      </Dialog>
    );
  return (
    <Dialog
      title={`Remove the snapshot ${snapshot.name}`}
      deed="Remove"
      isDangerous
      onClose={onClose}
      run={() => call('snapshot.remove', { params })}
    >
      <p>
        {guest.name} stays as it is, and cannot go back to {wholeInstant(snapshot.createdAt)} any more.
      </p>
    </Dialog>
  );
}
