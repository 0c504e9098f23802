import { Label, type LabelProps } from '@patternfly/react-core';

type Status = NonNullable<LabelProps['status']> | 'quiet';

/** What each state means for whoever looks: good, under way, to be looked at, bad; or nothing to look at. */
const statuses: Readonly<Record<string, Status>> = {
  running: 'success',
  online: 'success',
  succeeded: 'success',
  finished: 'success',
  met: 'success',
  done: 'success',
  applied: 'success',
  ready: 'success',
  migrating: 'info',
  starting: 'info',
  stopping: 'info',
  suspending: 'info',
  cloning: 'info',
  joining: 'info',
  entering: 'info',
  queued: 'info',
  open: 'info',
  moved: 'success',
  restarted: 'warning',
  down: 'danger',
  predicting: 'info',
  injecting: 'info',
  detecting: 'info',
  taking: 'info',
  deleting: 'info',
  'entering standby': 'info',
  'switching off': 'info',
  'switching on': 'info',
  paused: 'warning',
  suspect: 'warning',
  disconnected: 'warning',
  recovering: 'warning',
  in: 'warning',
  warning: 'warning',
  degraded: 'warning',
  quarantined: 'warning',
  cancelling: 'warning',
  settling: 'warning',
  failed: 'danger',
  fencing: 'danger',
  fenced: 'danger',
  missed: 'danger',
  refused: 'danger',
  error: 'danger',
  aborted: 'danger',
  denied: 'danger',
};

export function statusOf(state: string): Status {
  return statuses[state] ?? 'quiet';
}

const words: Readonly<Record<string, string>> = { in: 'in maintenance', entering: 'entering maintenance' };

export function StateLabel({ state, title }: { readonly state: string; readonly title?: string }) {
  const status = statusOf(state);
  return (
    <Label isCompact variant="outline" {...(status === 'quiet' ? {} : { status })} {...(title ? { title } : {})}>
      {words[state] ?? state}
    </Label>
  );
}
