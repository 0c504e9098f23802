import { Link } from 'react-router';
import type { FleetEvent } from '../fleet/feed';
import { useSubject } from '../fleet/use-fleet';
import { instant } from '../ui/format';
import { StateLabel } from '../ui/state-label';

export function EventLine({ event }: { readonly event: FleetEvent }) {
  const { at, severity, message, actor, subjectKind, subjectId } = event;
  const { name, to } = useSubject()(subjectKind, subjectId);
  return (
    <li className="event-line">
      <time className="quiet" dateTime={new Date(at).toISOString()}>
        {instant(at)}
      </time>
      {severity === 'information' ? null : <StateLabel state={severity} />}
      {to !== null && <Link to={to}>{name}</Link>}
      <span>{message}</span>
      {actor !== 'argosy' && <span className="quiet">by {actor}</span>}
    </li>
  );
}
