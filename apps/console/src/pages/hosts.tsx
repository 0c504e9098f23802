import { Link } from 'react-router';
import { useHasRead, useNamed } from '../fleet/use-fleet';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { HostTable } from './host-table';

export function HostsPage() {
  const hasRead = useHasRead();
  const hosts = useNamed('host');
  return (
    <Page title="Hosts">
      <PageBody>
        {hasRead ? (
          <HostTable
            hosts={hosts}
            empty={
              <Nothing title="No host has joined" action={<Link to="/access/hosts">Make a join token</Link>}>
                Run <code>argosy agent join</code> on a machine, with a join token of this controller.
              </Nothing>
            }
          />
        ) : (
          <Waiting />
        )}
      </PageBody>
    </Page>
  );
}
