import { endsWhenSeen } from '@argosy/contracts/responses';
import { Button } from '@patternfly/react-core';
import TimesIcon from '@patternfly/react-icons/dist/esm/icons/times-icon';
import { Link } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import { useRows, useSubject } from '../fleet/use-fleet';
import { instant } from '../ui/format';
import { StateLabel } from '../ui/state-label';
import { useToasts } from '../ui/toasts';

export function Alarms({ close }: { readonly close: () => void }) {
  const alarms = [...useRows('alarm').values()]
    .filter(({ clearedAt }) => clearedAt === null)
    .sort((one, other) => other.raisedAt - one.raisedAt);
  const subjectOf = useSubject();
  const may = useMay();
  const { complain } = useToasts();
  return (
    <aside className="alarms" aria-label="Alarms" onKeyDown={({ key }) => key === 'Escape' && close()}>
      <div className="alarms-head">
        <h2>Alarms</h2>
        <span className="spring" />
        <Button variant="plain" icon={<TimesIcon />} aria-label="Close the alarms" onClick={close} autoFocus />
      </div>
      {alarms.length === 0 && (
        <p className="quiet">No alarm is open. What needs attention appears here until it is over.</p>
      )}
      <ul>
        {alarms.map(({ id, code, severity, message, subjectKind, subjectId, raisedAt }) => {
          const { name, to } = subjectOf(subjectKind, subjectId);
          return (
            <li key={id}>
              <div className="line">
                <StateLabel state={severity} />
                {to === null ? <span>{name}</span> : <Link to={to}>{name}</Link>}
                <span className="spring" />
                <time className="quiet" dateTime={new Date(raisedAt).toISOString()}>
                  {instant(raisedAt)}
                </time>
              </div>
              <p>{message}</p>
              {endsWhenSeen({ code }) && may('alarm.acknowledge') && (
                <Button
                  variant="link"
                  isInline
                  onClick={() =>
                    void call('alarm.acknowledge', { params: { id } }).catch((error: unknown) =>
                      complain('The alarm stays', error),
                    )
                  }
                >
                  Seen
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </aside>
  );
}
