import { Button, Checkbox } from '@patternfly/react-core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import type { RouteName } from '@argosy/contracts/routes';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest } from '../fleet/rows';
import { useRows } from '../fleet/use-fleet';
import { type Action, ActionMenu } from '../ui/action-menu';
import { Dialog, useDialog } from '../ui/dialog';
import { TextField } from '../ui/field';
import { useToasts } from '../ui/toasts';
import { mayBeStopped, powerOf, type PowerRoute, whyNotRemoved } from './guest-deeds';
import { MigrateDialog } from './migrate';

type DialogName = 'restart' | 'stop' | 'migrate' | 'clone' | 'remove';

export function GuestActions({ guest }: { readonly guest: Guest }) {
  const may = useMay();
  const { complain } = useToasts();
  const { open, show, close } = useDialog<DialogName>();
  const params = { guest: guest.id };
  const attempt = (route: PowerRoute | 'guest.make-template' | 'guest.undo-template', title: string) =>
    void call(route, { params }).catch((error: unknown) => complain(`${title} ${guest.name}: not done`, error));
  const isStopped = whyNotRemoved(guest) === null;
  const power: Action[] = guest.isTemplate
    ? []
    : powerOf
        .filter(({ route, from }) => may(route) && from.includes(guest.state))
        .map(({ route, title }) => ({ title, run: () => attempt(route, title) }));
  if (may('guest.restart') && guest.state === 'running')
    power.push({ title: 'Restart', isDangerous: true, run: () => show('restart') });
  if (may('guest.stop') && mayBeStopped(guest))
    power.push({ title: 'Stop', isDangerous: true, run: () => show('stop') });
  const others: Action[] = [];
  const offer = (route: RouteName, action: Action) => may(route) && others.push(action);
  offer('guest.clone', { title: 'Clone', run: () => show('clone') });
  if (isStopped)
    offer('guest.make-template', {
      title: guest.isTemplate ? 'Make it a guest again' : 'Make it a template',
      run: () => attempt(guest.isTemplate ? 'guest.undo-template' : 'guest.make-template', 'Template'),
    });
  offer('guest.remove', {
    title: 'Remove',
    isDangerous: true,
    because: whyNotRemoved(guest),
    run: () => show('remove'),
  });
  return (
    <>
      {may('guest.migrate') && guest.state === 'running' && (
        <Button variant="secondary" onClick={() => show('migrate')}>
          Migrate
        </Button>
      )}
      <ActionMenu title="Power" actions={power} />
      <ActionMenu title="More" actions={others} />
      {open === 'restart' && <RestartDialog guest={guest} onClose={close} />}
      {open === 'stop' && <StopDialog guest={guest} onClose={close} />}
      {open === 'migrate' && <MigrateDialog guest={guest} onClose={close} />}
      {open === 'clone' && <CloneDialog guest={guest} onClose={close} />}
      {open === 'remove' && <RemoveDialog guest={guest} onClose={close} />}
    </>
  );
}

interface GuestDialogProps {
  readonly guest: Guest;
  readonly onClose: () => void;
}

function RestartDialog({ guest, onClose }: GuestDialogProps) {
  return (
    <Dialog
      title={`Restart ${guest.name}`}
      deed="Restart"
      isDangerous
      onClose={onClose}
      run={() => call('guest.restart', { params: { guest: guest.id } })}
    >
      <p>
        {guest.name} is not asked: it ends at once, as in a power cut, and boots again. What it has not written to its
        disk is lost. To let it shut down first, stop it, and start it then.
      </p>
    </Dialog>
  );
}

function StopDialog({ guest, onClose }: GuestDialogProps) {
  const [isForced, setIsForced] = useState(false);
  if (guest.state === 'suspended')
    return (
      <Dialog
        title={`Stop ${guest.name}`}
        deed="Throw its memory away"
        isDangerous
        onClose={onClose}
        run={() => call('guest.stop', { params: { guest: guest.id }, body: {} })}
      >
        <p>
          What {guest.name} had in its memory is lost, as in a power cut: it boots at its next start, and does not go on
          from where it was suspended.
        </p>
      </Dialog>
    );
  return (
    <Dialog
      title={`Stop ${guest.name}`}
      deed={isForced ? 'Pull the plug' : 'Stop'}
      isDangerous
      onClose={onClose}
      run={() => call('guest.stop', { params: { guest: guest.id }, body: { force: isForced } })}
    >
      <p>
        {isForced
          ? `${guest.name} ends at once, as in a power cut: what it has not written to its disk is lost.`
          : `${guest.name} is asked to shut down. It stays stopped until somebody starts it.`}
      </p>
      <Checkbox
        id="force-stop"
        label="Do not ask it: pull the plug"
        isChecked={isForced}
        onChange={(_event, is) => setIsForced(is)}
      />
    </Dialog>
  );
}

function CloneDialog({ guest, onClose }: GuestDialogProps) {
  const [name, setName] = useState(`${guest.name}-copy`.slice(0, 63));
  const [isLinked, setIsLinked] = useState(false);
  const [isStarted, setIsStarted] = useState(false);
  const navigate = useNavigate();
  return (
    <Dialog
      title={`Clone ${guest.name}`}
      deed="Clone"
      isDisabled={name === ''}
      onClose={onClose}
      run={async () => {
        const clone = await call('guest.clone', {
          params: { guest: guest.id },
          body: { name, linked: isLinked, start: isStarted },
        });
        await navigate(`/guests/${clone.id}`);
      }}
    >
      <TextField label="Name of the new guest" isRequired value={name} onChange={setName} />
      <Checkbox
        id="clone-linked"
        label="Linked: it shares the disk as it is now, and takes little room"
        isChecked={isLinked}
        onChange={(_event, is) => setIsLinked(is)}
      />
      <Checkbox
        id="clone-start"
        label="Start it when its disk is made"
        isChecked={isStarted}
        onChange={(_event, is) => setIsStarted(is)}
      />
    </Dialog>
  );
}

function RemoveDialog({ guest, onClose }: GuestDialogProps) {
  const [isKept, setIsKept] = useState(false);
  const datastore = useRows('datastore').get(guest.datastoreId);
  const navigate = useNavigate();
  return (
    <Dialog
      title={`Remove ${guest.name}`}
      deed="Remove"
      isDangerous
      onClose={onClose}
      run={async () => {
        await call('guest.remove', { params: { guest: guest.id }, query: { keepDisk: isKept ? 'true' : 'false' } });
        await navigate('/guests');
      }}
    >
      <p>
        {isKept
          ? `${guest.name} is forgotten; its files stay on ${datastore?.name ?? 'its datastore'}.`
          : `${guest.name} is forgotten, and its disk and snapshots on ${datastore?.name ?? 'its datastore'} are deleted. This cannot be undone.`}
      </p>
      <Checkbox id="keep-disk" label="Keep its files" isChecked={isKept} onChange={(_event, is) => setIsKept(is)} />
    </Dialog>
  );
}
