import { Button } from '@patternfly/react-core';
import { Link, useLocation, useRouteError } from 'react-router';
import { Nothing } from '../ui/page';
import { messageOf } from '../ui/toasts';

/** A page that does not exist, or that failed: the rest of the console goes on. */
export function RouteError({ isUnknown = false }: { readonly isUnknown?: boolean }) {
  const error = useRouteError();
  const { pathname } = useLocation();
  if (isUnknown)
    return (
      <Nothing title={`There is nothing at ${pathname}`} action={<Link to="/">The fleet</Link>}>
        The search above finds guests, hosts and pools.
      </Nothing>
    );
  return (
    <main className="page-body">
      <Nothing
        title="This page could not be shown"
        action={<Button onClick={() => location.reload()}>Load it again</Button>}
      >
        {messageOf(error)}. A newer console may have been installed since this one was opened.
      </Nothing>
    </main>
  );
}
