import '@patternfly/react-styles/css/components/Label/label.css';
import { RhUiCheckCircleFillIconConfig as success } from '@patternfly/react-icons/dist/esm/icons/rh-ui-check-circle-fill-icon';
import { RhUiErrorFillIconConfig as danger } from '@patternfly/react-icons/dist/esm/icons/rh-ui-error-fill-icon';
import { RhUiInformationFillIconConfig as info } from '@patternfly/react-icons/dist/esm/icons/rh-ui-information-fill-icon';
import { RhUiWarningFillIconConfig as warning } from '@patternfly/react-icons/dist/esm/icons/rh-ui-warning-fill-icon';

const icons = { success, danger, info, warning };
type Status = keyof typeof icons | 'quiet';

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
  'being emptied': 'info',
  'runs its command': 'info',
  'being let back': 'info',
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

/**
 * PatternFly's compact label as its style sheet has it, without its component: each of those listens to the whole
 * document and measures its text for a tooltip, and in a long table most of a frame went into that.
 */
export function StateLabel({ state, title }: { readonly state: string; readonly title?: string }) {
  const status = statusOf(state);
  return (
    <span
      className={`pf-v6-c-label pf-m-outline pf-m-compact${status === 'quiet' ? '' : ` pf-m-${status}`}`}
      {...(title ? { title } : {})}
    >
      <span className="pf-v6-c-label__content">
        {status !== 'quiet' && <StatusIcon status={status} />}
        <span className="pf-v6-c-label__text">{words[state] ?? state}</span>
      </span>
    </span>
  );
}

function StatusIcon({ status }: { readonly status: keyof typeof icons }) {
  const { width, height, svgPathData } = icons[status].icon;
  return (
    <span className="pf-v6-c-label__icon">
      <svg viewBox={`0 0 ${width} ${height}`} className="pf-v6-svg" width="1em" height="1em" aria-hidden="true">
        <path d={svgPathData} fill="currentColor" />
      </svg>
    </span>
  );
}
