import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import { compareNames, type Host } from '../fleet/rows';
import { useOne, useRows, useUsage } from '../fleet/use-fleet';
import { ActionMenu, type Action } from '../ui/action-menu';
import { Bar } from '../ui/bar';
import { Dialog, useDialog } from '../ui/dialog';
import { Facts, Section } from '../ui/facts';
import { TextField } from '../ui/field';
import { count, duration, mebibytes, processors, wholeInstant } from '../ui/format';
import { LiveChart } from '../ui/live-chart';
import { Missing, Nothing, Page, type PageTab, PageTabs } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { useToasts } from '../ui/toasts';
import { EventTable } from './event-table';
import { GuestTable } from './guest-table';
import { EvacuationPlan } from './evacuation-plan';
import { FenceDevices } from './fence-devices';
import { hostStates } from './host-table';

export function HostPage() {
  const { reference = '', tab = 'summary' } = useParams();
  const host = useOne('host', reference);
  const guests = useRows('guest');
  if (host === undefined) return <Missing what="host" reference={reference} to="/hosts" />;
  const own = [...guests.values()]
    .filter(({ hostId }) => hostId === host.id)
    .sort((a, b) => compareNames(a.name, b.name));
  const memoryMiB = own.reduce((sum, each) => sum + each.memoryMiB, 0);
  const nobody = <Nothing title={`No guest on ${host.name}`}>Guests come here when they are started or moved.</Nothing>;
  const tabs: PageTab[] = [
    { name: 'summary', title: 'Summary', body: <Summary host={host} memoryMiB={memoryMiB} /> },
    { name: 'guests', title: 'Guests', body: <GuestTable guests={own} empty={nobody} /> },
    { name: 'hardware', title: 'Hardware', body: <Hardware host={host} /> },
    { name: 'fencing', title: 'Fence devices', body: <FenceDevices host={host} /> },
    { name: 'events', title: 'Events', body: <EventTable query={{ subjectKind: 'host', subject: host.id }} /> },
  ];
  return (
    <Page
      title={host.name}
      above={[{ title: 'Hosts', to: '/hosts' }]}
      beside={hostStates(host).map((state) => (
        <StateLabel key={state} state={state} title={host.stateReason} />
      ))}
      actions={<HostActions host={host} guestNames={own.map(({ name }) => name)} />}
    >
      <PageTabs base={`/hosts/${reference}`} tabs={tabs} current={tab} />
    </Page>
  );
}

function Summary({ host, memoryMiB }: { readonly host: Host; readonly memoryMiB: number }) {
  const usage = useUsage().get(host.id);
  const pool = useRows('pool').get(host.poolId);
  const guests = useRows('guest');
  const isBeingEmptied = host.maintenance === 'entering' || host.standby === 'entering';
  const leaving = isBeingEmptied ? [...guests.values()].filter(({ hostId }) => hostId === host.id) : [];
  return (
    <>
      {isBeingEmptied && (
        <p role="status">
          {leaving.length === 0
            ? 'It is empty.'
            : `${count(leaving.length, 'guest')} still to leave: ${leaving.map(({ name }) => name).join(', ')}.`}
        </p>
      )}
      <Section title="Processors">
        <LiveChart
          of="host"
          id={host.id}
          label={`Processors of ${host.name} used, over time`}
          maximum={host.capacity.cpuMillicores}
        />
      </Section>
      <Section title="Now">
        <Facts
          facts={[
            [
              'Processors',
              <Bar
                key="cpu"
                label="Processors used"
                value={usage?.cpuMillicores ?? 0}
                maximum={host.capacity.cpuMillicores}
                text={`${processors(usage?.cpuMillicores ?? 0)} of ${processors(host.capacity.cpuMillicores)}`}
              />,
            ],
            [
              'Memory given to guests',
              <Bar
                key="memory"
                label="Memory given"
                value={memoryMiB}
                maximum={host.capacity.memoryMiB}
                text={`${mebibytes(memoryMiB)} of ${mebibytes(host.capacity.memoryMiB)}`}
              />,
            ],
            ['State', `${host.state}${host.stateReason === '' ? '' : `: ${host.stateReason}`}`],
            [
              'Pool',
              <Link key="pool" to={`/pools/${host.poolId}`}>
                {pool?.name ?? host.poolId}
              </Link>,
            ],
            ['Failure domain', host.failureDomain ?? 'the host alone'],
            ['Kept for failover', host.failoverOnly ? 'yes: only guests that lost their host come here' : 'no'],
            ['Ailing', host.degraded === null ? 'no' : `${host.degraded.reason} (by ${host.degraded.by})`],
            ['Last heard', usage?.heardAt == null ? 'never' : wholeInstant(usage.heardAt)],
            ['Agent', `${host.peerAddress}, started ${count(host.incarnation, 'time')}`],
          ]}
        />
      </Section>
    </>
  );
}

function Hardware({ host }: { readonly host: Host }) {
  const capabilities = host.capabilities;
  if (capabilities === null)
    return <Nothing title="Not known yet">The host says what it can run when its agent joins.</Nothing>;
  return (
    <>
      <Section title="Virtual machine monitor">
        <Facts
          facts={[
            ['Driver', `${capabilities.driver} ${capabilities.version}`],
            ['Accelerator', `${capabilities.accelerator}: ${capabilities.acceleratorReason}`],
            ['Machine type', capabilities.machineType],
            ['Processor model', capabilities.cpuModel],
            ['Runs', capabilities.guestArchitectures.join(', ')],
            ['Live migration', capabilities.liveMigration ? 'yes' : 'no'],
            ['Post-copy', capabilities.postCopy ? 'yes' : 'no'],
          ]}
        />
      </Section>
      <Section title="And why">
        <div className="table-scroller" tabIndex={0} role="region" aria-label="Capabilities and why">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">Value</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {capabilities.facts.map(({ name, value, reason }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>{value}</td>
                  <td className="wide">{reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Section>
    </>
  );
}

type DialogName = 'maintenance' | 'standby' | 'fence' | 'domain' | 'remove';

function HostActions({ host, guestNames }: { readonly host: Host; readonly guestNames: readonly string[] }) {
  const may = useMay();
  const { open, show, close } = useDialog<DialogName>();
  const { complain } = useToasts();
  const params = { host: host.id };
  const attempt = (title: string, work: Promise<unknown>) =>
    void work.catch((error: unknown) => complain(title, error));
  const actions: Action[] = [];
  if (may('host.enter-maintenance') && host.maintenance === 'none')
    actions.push({ title: 'Enter maintenance', run: () => show('maintenance') });
  if (may('host.exit-maintenance') && host.maintenance !== 'none')
    actions.push({
      title: 'Exit maintenance',
      run: () => attempt(`${host.name} stays in maintenance`, call('host.exit-maintenance', { params })),
    });
  if (may('host.enter-standby') && host.standby === 'none')
    actions.push({ title: 'Switch off to save power', run: () => show('standby') });
  if (may('host.exit-standby') && host.standby !== 'none')
    actions.push({
      title: 'Switch on again',
      because: host.standby === 'leaving' ? 'It is being switched on.' : null,
      run: () => attempt(`${host.name} stays off`, call('host.exit-standby', { params })),
    });
  if (may('host.update')) {
    actions.push({ title: 'Failure domain', run: () => show('domain') });
    actions.push({
      title: host.failoverOnly ? 'Take ordinary guests again' : 'Keep for failover',
      run: () =>
        attempt('Nothing was changed', call('host.update', { params, body: { failoverOnly: !host.failoverOnly } })),
    });
    if (host.quarantined)
      actions.push({
        title: 'Lift the quarantine',
        run: () => attempt('The quarantine stays', call('host.update', { params, body: { quarantined: false } })),
      });
  }
  if (may('host.fence')) actions.push({ title: 'Fence', isDangerous: true, run: () => show('fence') });
  if (may('host.remove'))
    actions.push({
      title: 'Remove',
      isDangerous: true,
      because: guestNames.length > 0 ? 'Guests are on it.' : null,
      run: () => show('remove'),
    });
  return (
    <>
      <ActionMenu title="Actions" actions={actions} />
      {open === 'maintenance' && <MaintenanceDialog host={host} guestNames={guestNames} onClose={close} />}
      {open === 'standby' && <StandbyDialog host={host} guestNames={guestNames} onClose={close} />}
      {open === 'fence' && <FenceDialog host={host} guestNames={guestNames} onClose={close} />}
      {open === 'domain' && <DomainDialog host={host} onClose={close} />}
      {open === 'remove' && <RemoveDialog host={host} onClose={close} />}
    </>
  );
}

interface HostDialogProps {
  readonly host: Host;
  readonly onClose: () => void;
}

function MaintenanceDialog({
  host,
  guestNames,
  onClose,
}: HostDialogProps & { readonly guestNames: readonly string[] }) {
  return (
    <Dialog
      title={`Empty ${host.name} and keep guests off it`}
      deed="Enter maintenance"
      size="medium"
      onClose={onClose}
      run={() => call('host.enter-maintenance', { params: { host: host.id } })}
    >
      <EvacuationPlan host={host} guestNames={guestNames} whenEmpty="it is in maintenance at once" />
    </Dialog>
  );
}

function StandbyDialog({ host, guestNames, onClose }: HostDialogProps & { readonly guestNames: readonly string[] }) {
  return (
    <Dialog
      title={`Empty ${host.name} and switch it off to save power`}
      deed="Enter standby"
      size="medium"
      isDisabled={host.fenceDevices.length === 0}
      onClose={onClose}
      run={() => call('host.enter-standby', { params: { host: host.id } })}
    >
      {host.fenceDevices.length === 0 && (
        <p>It has no fence device that could switch it off and on. Give it one first, under “Fence devices”.</p>
      )}
      <EvacuationPlan host={host} guestNames={guestNames} whenEmpty="it is switched off at once" />
      <p className="quiet">Its pool does not count on it until it is switched on again, by you or by power saving.</p>
    </Dialog>
  );
}

function FenceDialog({ host, guestNames, onClose }: HostDialogProps & { readonly guestNames: readonly string[] }) {
  const [typed, setTyped] = useState('');
  return (
    <Dialog
      title={`Cut the power of ${host.name}`}
      deed="Fence"
      isDangerous
      isDisabled={typed !== host.name || host.fenceDevices.length === 0}
      onClose={onClose}
      run={() => call('host.fence', { params: { host: host.id } })}
    >
      {host.fenceDevices.length === 0 && <p>It has no fence device. Give it one first, under “Fence devices”.</p>}
      <p>
        {guestNames.length === 0
          ? 'No guest is on it.'
          : `${count(guestNames.length, 'guest')} crash, lose what is in their memory, and are started again elsewhere: ${guestNames.join(', ')}.`}
      </p>
      <TextField label={`Type ${host.name} to confirm`} value={typed} onChange={setTyped} />
    </Dialog>
  );
}

function DomainDialog({ host, onClose }: HostDialogProps) {
  const [domain, setDomain] = useState(host.failureDomain ?? '');
  return (
    <Dialog
      title={`Failure domain of ${host.name}`}
      deed="Save"
      onClose={onClose}
      run={() =>
        call('host.update', { params: { host: host.id }, body: { failureDomain: domain === '' ? null : domain } })
      }
    >
      <TextField
        label="Failure domain"
        value={domain}
        onChange={setDomain}
        help="What fails as one: a rack, a switch, a room, like rack-1. Empty: the host alone."
      />
    </Dialog>
  );
}

function RemoveDialog({ host, onClose }: HostDialogProps) {
  const navigate = useNavigate();
  return (
    <Dialog
      title={`Forget ${host.name}`}
      deed="Remove"
      isDangerous
      onClose={onClose}
      run={async () => {
        await call('host.remove', { params: { host: host.id } });
        await navigate('/hosts');
      }}
    >
      <p>
        Its agent is not let in again without a new join token. Its history stays among the events. It has been in the
        fleet for {duration(Date.now() - host.createdAt)}, and no guest is on it.
      </p>
    </Dialog>
  );
}
