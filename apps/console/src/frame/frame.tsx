import { Alert, Button, SkipToContent } from '@patternfly/react-core';
import { Suspense, useEffect, useState } from 'react';
import { Outlet, useLocation, useNavigation } from 'react-router';
import { readSession } from '../api/session';
import { useFeed } from '../fleet/use-fleet';
import { Waiting } from '../ui/page';
import { Alarms } from './alarms';
import { Header } from './header';
import { Navigation } from './navigation';
import { TaskBar } from './task-bar';

/** What stands around every page. */
export function Frame() {
  const [isNavigationOpen, setIsNavigationOpen] = useState(() => innerWidth >= 900);
  const [isAlarmsOpen, setIsAlarmsOpen] = useState(false);
  const { pathname } = useLocation();
  const navigation = useNavigation();
  // On a narrow screen it lies over the page, and is in its way once something was chosen.
  useEffect(() => {
    if (innerWidth < 900) setIsNavigationOpen(false);
  }, [pathname]);
  return (
    <div className="frame">
      <SkipToContent href="#main">To the page</SkipToContent>
      <Header
        isNavigationOpen={isNavigationOpen}
        toggleNavigation={() => setIsNavigationOpen((is) => !is)}
        toggleAlarms={() => setIsAlarmsOpen((is) => !is)}
        isAlarmsOpen={isAlarmsOpen}
      />
      <div className="frame-middle">
        {isNavigationOpen && <Navigation />}
        <main id="main" tabIndex={-1} className="page" aria-busy={navigation.state === 'loading'}>
          <Connection />
          <Suspense fallback={<Waiting />}>
            <Outlet />
          </Suspense>
        </main>
        {isAlarmsOpen && <Alarms close={() => setIsAlarmsOpen(false)} />}
      </div>
      <TaskBar />
    </div>
  );
}

/** Signed in as here: no server is sent what is behind the #, and the page there takes it from the address at once. */
const samePageAt = (leaderUrl: string): string =>
  `${leaderUrl}${location.pathname}${location.search}#token=${readSession().token ?? ''}`;

/** A lost connection is said, and heals by itself; what is shown meanwhile is as it was. */
function Connection() {
  const { state, error } = useFeed();
  if (state !== 'lost') return null;
  const leaderUrl = error?.details['leaderUrl'];
  return (
    <Alert
      isInline
      variant="warning"
      className="connection"
      title="The connection to the controller is lost; trying again"
      {...(typeof leaderUrl === 'string'
        ? {
            actionLinks: (
              <Button
                component="a"
                variant="link"
                isInline
                href={leaderUrl}
                onClick={(event) => {
                  event.preventDefault();
                  location.assign(samePageAt(leaderUrl));
                }}
              >
                Open {leaderUrl}
              </Button>
            ),
          }
        : {})}
    >
      {error?.message} What you see is as it was.
    </Alert>
  );
}
