import { Button } from '@patternfly/react-core';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import type { Guest } from '../fleet/rows';
import { ScreenLink, type ScreenState } from '../fleet/screen-link';
import { useRows } from '../fleet/use-fleet';
import { Nothing } from '../ui/page';

/** The guest's screen, or why it has none to show. */
export function GuestScreen({ guest }: { readonly guest: Guest }) {
  if (guest.display === 'none')
    return (
      <Nothing
        title={`${guest.name} has no screen`}
        action={<Link to={`/guests/${guest.id}/settings`}>Settings of {guest.name}</Link>}
      >
        It was made without one, which saves its host 6 to 9 MiB. What it says is on its{' '}
        <Link to={`/guests/${guest.id}/console`}>serial console</Link>. To give it a screen, shut it down, choose
        “standard” as its display, and start it again.
      </Nothing>
    );
  if (guest.hostId === null)
    return (
      <Nothing title={`${guest.name} is ${guest.state}`}>
        Its screen is to be seen here as soon as it runs, from its firmware’s first line on.
      </Nothing>
    );
  return <LiveScreen key={guest.id} guest={guest} />;
}

const connecting: ScreenState = { isLive: false, trouble: null, isOver: false };

function LiveScreen({ guest }: { readonly guest: Guest }) {
  const frame = useRef<HTMLDivElement>(null);
  const leave = useRef<HTMLButtonElement>(null);
  const link = useRef<ScreenLink | null>(null);
  const [state, setState] = useState(connecting);
  const host = useRows('host').get(guest.hostId ?? '');
  useEffect(() => {
    const own = (link.current = new ScreenLink(guest.id, frame.current!, setState));
    return () => own.close();
  }, [guest.id]);
  useEffect(() => link.current?.follow(guest.epoch), [guest.id, guest.epoch]);
  useEffect(() => {
    const element = frame.current!;
    // Every key is the guest's, so one chord is ours: nobody without a pointer is kept here.
    const look = (event: KeyboardEvent) => {
      if (!(event.shiftKey && event.key === 'Escape')) return;
      event.stopPropagation();
      event.preventDefault();
      link.current?.blur();
      leave.current?.focus();
    };
    element.addEventListener('keydown', look, { capture: true });
    return () => element.removeEventListener('keydown', look, { capture: true });
  }, []);
  const now = state.isLive ? `Screen of ${guest.name}, now on ${host?.name ?? 'no host'}.` : lookingFor(guest, state);
  return (
    <div className="console">
      <div className="screen-bar">
        <p className="quiet" role="status">
          {now} {state.isLive && 'Keys go to the guest; Shift and Escape leave it.'}
        </p>
        <Button
          ref={leave}
          variant="secondary"
          size="sm"
          isDisabled={!state.isLive}
          onClick={() => link.current?.sendCtrlAltDel()}
        >
          Send Ctrl+Alt+Del
        </Button>{' '}
        <Button variant="secondary" size="sm" onClick={() => void frame.current?.requestFullscreen()}>
          Full screen
        </Button>
      </div>
      <div className="console-frame screen-frame" ref={frame} data-live={state.isLive} />
    </div>
  );
}

function lookingFor({ name }: Guest, { trouble, isOver }: ScreenState): string {
  if (trouble === null) return `The screen of ${name} is being connected.`;
  return isOver ? trouble : `${trouble} It is tried again.`;
}
