import { Button } from '@patternfly/react-core';
import { useMay } from '../api/session';
import { useHasRead, useNamed } from '../fleet/use-fleet';
import { useDialog } from '../ui/dialog';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { GuestTable } from './guest-table';
import { NewGuestDialog } from './new-guest';

export function GuestsPage() {
  const hasRead = useHasRead();
  const guests = useNamed('guest');
  const may = useMay();
  const { open, show, close } = useDialog<'new'>();
  const create = may('guest.create') && <Button onClick={() => show('new')}>Create a guest</Button>;
  return (
    <Page title="Guests" actions={guests.length > 0 && create}>
      <PageBody>
        {hasRead ? (
          <GuestTable
            guests={guests}
            empty={
              <Nothing title="No guest" action={create}>
                A guest is a virtual machine, made from an image or a template. Argosy finds it a host.
              </Nothing>
            }
          />
        ) : (
          <Waiting />
        )}
      </PageBody>
      {open === 'new' && <NewGuestDialog onClose={close} />}
    </Page>
  );
}
