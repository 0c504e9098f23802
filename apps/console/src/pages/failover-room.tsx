import type { RouteResponse } from '@argosy/contracts/routes';
import { Alert } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { call } from '../api/client';
import type { Pool } from '../fleet/rows';
import { useRows } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { Facts, Section } from '../ui/facts';
import { count, percent } from '../ui/format';
import { admissionTitles } from './pool-words';

interface Named {
  readonly id: string;
  readonly name: string;
}

const Links = ({ kind, all }: { readonly kind: 'hosts' | 'guests'; readonly all: readonly Named[] }) => (
  <>
    {all.map(({ id, name }, index) => (
      <span key={id}>
        {index > 0 && (index === all.length - 1 ? ' and ' : ', ')}
        <Link to={`/${kind}/${id}`}>{name}</Link>
      </span>
    ))}
  </>
);

/** How many hosts may be lost at once, and the loss that would be too much. */
export function FailoverRoom({ pool }: { readonly pool: Pool }) {
  const tolerance = useQuery({
    queryKey: ['read', 'tolerance', pool.id],
    queryFn: ({ signal }) => call('pool.tolerance', { params: { pool: pool.id } }, { signal }),
    refetchInterval: 10_000,
  });
  return (
    <Answer of={tolerance} what="What it bears">
      {(found) => <Room pool={pool} found={found} />}
    </Answer>
  );
}

function Room({ pool, found }: { readonly pool: Pool; readonly found: RouteResponse<'pool.tolerance'> }) {
  const [hosts, guests] = [useRows('host'), useRows('guest')];
  const { tolerated, witness, isExact, unprotectedGuestIds, explanation } = found;
  const hostsOf = (ids: readonly string[]) => ids.map((id) => ({ id, name: hosts.get(id)?.name ?? id }));
  const guestsOf = (ids: readonly string[]) => ids.map((id) => ({ id, name: guests.get(id)?.name ?? id }));
  const borne =
    tolerated === 0 ? 'No loss of a host is sure to be borne' : `${count(tolerated, 'host')} may be lost at once`;
  return (
    <>
      <Section title="What it bears">
        <Alert isInline isPlain variant={tolerated > 0 ? 'success' : 'warning'} title={borne}>
          <p>{explanation}</p>
        </Alert>
        {witness && (
          <Alert
            isInline
            isPlain
            variant="warning"
            title={`The loss of ${count(witness.hostIds.length, 'host')} can be too much`}
          >
            <p>
              Without <Links kind="hosts" all={hostsOf(witness.hostIds)} />, {count(witness.guestIds.length, 'guest')}{' '}
              would stay down: <Links kind="guests" all={guestsOf(witness.guestIds)} />.
            </p>
          </Alert>
        )}
        {unprotectedGuestIds.length > 0 && (
          <Alert isInline isPlain variant="warning" title="Room alone does not help these guests">
            <p>
              Rules or datastores leave <Links kind="guests" all={guestsOf(unprotectedGuestIds)} /> no host after such a
              loss.
            </p>
          </Alert>
        )}
        {!isExact && (
          <p className="quiet">Whether more can be lost takes too long to find out here, and is left open.</p>
        )}
      </Section>
      <Section title="What it keeps">
        <Facts
          facts={[
            ['Policy', admissionTitles[pool.failure.admission]],
            ['Host failures to bear', String(pool.failure.toleratedHostFailures)],
            ['Processors kept free', percent(pool.failure.reservedCpuShare)],
            ['Memory kept free', percent(pool.failure.reservedMemoryShare)],
            ['Hosts silent at once before nobody is fenced', String(pool.failure.maximumSilentHosts)],
            ['The next restart priority begins when guests are', pool.failure.restartReady],
          ]}
        />
        <p className="quiet">
          <Link to={`/pools/${pool.id}/settings`}>Settings</Link> change it. A start that would take this room is
          refused.
        </p>
      </Section>
    </>
  );
}
