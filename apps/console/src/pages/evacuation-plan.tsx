import type { RouteResponse } from '@argosy/contracts/routes';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client';
import type { Host } from '../fleet/rows';
import { useRows } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { count } from '../ui/format';

interface EvacuationPlanProps {
  readonly host: Host;
  readonly guestNames: readonly string[];
  /** What becomes of it at once, if no guest is on it. */
  readonly whenEmpty: string;
}

const renewMs = 5000;

/** Before a host is emptied: who has to leave, and where all of them would go together. */
export function EvacuationPlan({ host, guestNames, whenEmpty }: EvacuationPlanProps) {
  const plan = useQuery({
    queryKey: ['read', 'evacuation', host.id],
    queryFn: ({ signal }) => call('host.evacuation', { params: { host: host.id } }, { signal }),
    enabled: guestNames.length > 0,
    refetchInterval: renewMs,
  });
  if (guestNames.length === 0)
    return (
      <p>
        No guest is on {host.name}: {whenEmpty}.
      </p>
    );
  return (
    <Answer of={plan} what="The plan">
      {(found) => <Plan host={host} found={found} />}
    </Answer>
  );
}

function Plan({ host, found }: { readonly host: Host; readonly found: RouteResponse<'host.evacuation'> }) {
  const [hosts, guests] = [useRows('host'), useRows('guest')];
  const { moves, stuck, staying } = found;
  const nameOf = (id: string) => guests.get(id)?.name ?? id;
  return (
    <>
      {moves.length > 0 && (
        <>
          <p>
            {count(moves.length, 'guest')} would go live, together, as it is now. Nobody is stopped, and each is looked
            at again when its turn comes.
          </p>
          <div className="table-scroller plan" tabIndex={0} role="region" aria-label="Who goes where">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Guest</th>
                  <th scope="col">Goes to</th>
                </tr>
              </thead>
              <tbody>
                {moves.map(({ guestId, toHostId }) => (
                  <tr key={guestId}>
                    <td>{nameOf(guestId)}</td>
                    <td>{hosts.get(toHostId)?.name ?? toHostId}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
      <Remaining
        title={`${host.name} does not become empty while these find no host. Argosy moves others aside where that makes room; otherwise stop them, or make room`}
        of={stuck}
        nameOf={nameOf}
      />
      <Remaining title="These do not move as they are" of={staying} nameOf={nameOf} />
    </>
  );
}

interface RemainingProps {
  readonly title: string;
  readonly of: readonly { readonly guestId: string; readonly reason: string }[];
  readonly nameOf: (guestId: string) => string;
}

function Remaining({ title, of, nameOf }: RemainingProps) {
  if (of.length === 0) return null;
  return (
    <>
      <p>{title}:</p>
      <ul className="plain-list">
        {of.map(({ guestId, reason }) => (
          <li key={guestId}>
            <strong>{nameOf(guestId)}</strong>: {reason}
          </li>
        ))}
      </ul>
    </>
  );
}
