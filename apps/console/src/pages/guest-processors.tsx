import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client';
import type { Guest } from '../fleet/rows';
import { Bar } from '../ui/bar';
import { Facts, Section } from '../ui/facts';
import { percent, processors } from '../ui/format';
import { messageOf } from '../ui/toasts';

const renewMs = 5000;

/** What of the processors the guest asks for, what of that is due to it where all cannot be given, and what it gets. */
export function GuestProcessors({ guest }: { readonly guest: Guest }) {
  const runs = guest.hostId !== null;
  const { data, error } = useQuery({
    queryKey: ['read', 'guest-processors', guest.id, runs],
    queryFn: ({ signal }) => call('guest.processors', { params: { guest: guest.id } }, { signal }),
    refetchInterval: runs ? renewMs : false,
    placeholderData: (before) => before,
  });
  const claim = `${guest.cpuReservationMillicores} m at least, ${guest.cpuLimitMillicores === null ? 'no limit' : `${guest.cpuLimitMillicores} m at most`}, ${guest.cpuShares} shares`;
  const most = guest.cpuLimitMillicores ?? guest.vcpus * 1000;
  const used = data?.usedMillicores ?? null;
  return (
    <Section title="Use against entitlement">
      {error && <p role="alert">{messageOf(error)}</p>}
      <Facts
        facts={[
          [
            'Uses',
            <Bar
              key="used"
              label="Processors used of what it may have"
              value={used ?? 0}
              maximum={most}
              text={used === null ? 'not running' : `${processors(used)} of ${processors(most)}`}
            />,
          ],
          [
            'Entitled to',
            <Bar
              key="entitled"
              label="Processors used of what is due to it"
              value={used ?? 0}
              maximum={Math.max(data?.entitlementMillicores ?? 0, 1)}
              text={
                data === undefined || used === null
                  ? 'nothing while it does not run'
                  : `${processors(data.entitlementMillicores)} of the ${processors(data.demandMillicores)} that it asks for`
              }
            />,
          ],
          ['Gets of that', metWords(data?.metShare ?? null)],
          ['By its claim', claim],
        ]}
      />
    </Section>
  );
}

function metWords(metShare: number | null): string {
  if (metShare === null) return 'not known while it does not run';
  if (metShare >= 0.99) return 'all';
  return `${percent(metShare)}; for the rest it had to wait`;
}
