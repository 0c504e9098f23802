import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client';
import type { Host } from '../fleet/rows';
import { count } from '../ui/format';

interface EvacuationPlanProps {
  readonly host: Host;
  readonly guestNames: readonly string[];
  /** What becomes of it at once, if no guest is on it. */
  readonly whenEmpty: string;
}

const mostPlanned = 50;

/** Before a host is emptied: who has to leave, and where each could go. */
export function EvacuationPlan({ host, guestNames, whenEmpty }: EvacuationPlanProps) {
  const { data: fits } = useQuery({
    queryKey: ['read', 'evacuation', host.id],
    queryFn: () =>
      Promise.all(
        guestNames.map(async (name) => ({ name, ...(await call('guest.hosts', { params: { guest: name } })) })),
      ),
    enabled: guestNames.length > 0 && guestNames.length <= mostPlanned,
  });
  const stuck = (fits ?? []).filter(({ items }) =>
    items.every(({ rejection, isCurrent }) => isCurrent || rejection !== null),
  );
  if (guestNames.length === 0)
    return (
      <p>
        No guest is on {host.name}: {whenEmpty}.
      </p>
    );
  return (
    <>
      <p>
        {count(guestNames.length, 'guest')} will be moved away live, each where it suits best then. No guest is stopped.
      </p>
      {fits !== undefined && (
        <ul className="plain-list">
          {fits.map(({ name, items }) => {
            const takers = items.filter(({ rejection, isCurrent }) => !isCurrent && rejection === null);
            return (
              <li key={name}>
                <strong>{name}</strong>{' '}
                {takers.length > 0
                  ? `can go to ${takers.map((each) => each.hostName).join(', ')}`
                  : 'finds no other host now'}
              </li>
            );
          })}
        </ul>
      )}
      {stuck.length > 0 && (
        <p>
          {host.name} will not become empty while {stuck.map(({ name }) => name).join(', ')} find no other host: stop
          them, or make room.
        </p>
      )}
    </>
  );
}
