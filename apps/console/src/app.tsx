import type { QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { createBrowserRouter, RouterProvider } from 'react-router';
import { call } from './api/client';
import { ApiError, unreachable } from './api/error';
import { follow } from './api/stream';
import { signIn, signOut, useSession } from './api/session';
import { startFeed } from './fleet/feed';
import { readFleet } from './fleet/read-fleet';
import { Frame } from './frame/frame';
import { SignIn } from './frame/sign-in';
import { RouteError } from './frame/route-error';

/** Each page is a piece of its own: what is not looked at is not loaded. */
const router = createBrowserRouter([
  {
    element: <Frame />,
    errorElement: <RouteError />,
    HydrateFallback: () => null,
    children: [
      { index: true, lazy: async () => ({ Component: (await import('./pages/fleet')).FleetPage }) },
      { path: 'pools', lazy: async () => ({ Component: (await import('./pages/pools')).PoolsPage }) },
      { path: 'pools/:reference/:tab?', lazy: async () => ({ Component: (await import('./pages/pool')).PoolPage }) },
      { path: 'hosts', lazy: async () => ({ Component: (await import('./pages/hosts')).HostsPage }) },
      { path: 'hosts/:reference/:tab?', lazy: async () => ({ Component: (await import('./pages/host')).HostPage }) },
      { path: 'guests', lazy: async () => ({ Component: (await import('./pages/guests')).GuestsPage }) },
      { path: 'guests/:reference/:tab?', lazy: async () => ({ Component: (await import('./pages/guest')).GuestPage }) },
      { path: 'drills', lazy: async () => ({ Component: (await import('./pages/drills')).DrillsPage }) },
      { path: 'drills/new', lazy: async () => ({ Component: (await import('./pages/new-drill')).NewDrillPage }) },
      { path: 'drills/:id', lazy: async () => ({ Component: (await import('./pages/drill')).DrillPage }) },
      { path: 'simulations', lazy: async () => ({ Component: (await import('./pages/simulations')).SimulationsPage }) },
      {
        path: 'simulations/:id',
        lazy: async () => ({ Component: (await import('./pages/simulation')).SimulationPage }),
      },
      { path: 'events', lazy: async () => ({ Component: (await import('./pages/events')).EventsPage }) },
      { path: 'tasks', lazy: async () => ({ Component: (await import('./pages/tasks')).TasksPage }) },
      { path: 'datastores', lazy: async () => ({ Component: (await import('./pages/storage')).DatastoresPage }) },
      { path: 'images', lazy: async () => ({ Component: (await import('./pages/storage')).ImagesPage }) },
      { path: 'access/:tab?', lazy: async () => ({ Component: (await import('./pages/access')).AccessPage }) },
      { path: '*', element: <RouteError isUnknown /> },
    ],
  },
]);

export function App({ cache }: { readonly cache: QueryClient }) {
  const { token, who, refusal } = useSession();
  const [failure, setFailure] = useState<ApiError | null>(null);

  // A token that was kept or came in the address is looked at once; whose it is says what is offered.
  useEffect(() => {
    if (token === null || who !== null) return undefined;
    const abort = new AbortController();
    const look = () => {
      call('whoami', {}, { token, signal: abort.signal }).then(
        (found) => {
          setFailure(null);
          signIn(token, found);
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          const known = error instanceof ApiError ? error : unreachable();
          const isOver = known.code === 'unauthenticated';
          setFailure(isOver ? null : known);
          if (isOver) signOut(known);
          else retry = setTimeout(look, 1000);
        },
      );
    };
    let retry: ReturnType<typeof setTimeout> | undefined;
    look();
    return () => {
      abort.abort();
      clearTimeout(retry);
    };
  }, [token, who]);

  const name = who?.name;
  useEffect(() => {
    if (token === null || name === undefined) return undefined;
    const stop = startFeed(cache, { follow, read: readFleet });
    return () => {
      stop();
      // Another user may see other things.
      cache.clear();
    };
  }, [cache, token, name]);

  if (token === null || who === null) return <SignIn failure={refusal ?? failure} isWaiting={token !== null} />;
  return <RouterProvider router={router} />;
}
