import type { NewSimulation } from '@argosy/contracts/simulation-schemas';
import { defaultImpairments } from '@argosy/control/defaults';
import { inventoryNow } from '@argosy/control/fleet-inventory';
import type { DrillFault } from '@argosy/control/fleet-types';
import type { RouteInput } from '@argosy/contracts/routes';
import { drillPhases } from '@argosy/domain/drill';
import type { Change } from '@argosy/domain/simulation';
import type { Instant } from '@argosy/domain/units';
import type { PlacementView } from '@argosy/inventory/fleet-queries';
import { demandHeard, factsOfPool, premisesThen } from '@argosy/simulator/facts';
import type { Premises } from '@argosy/simulator/what-if';
import type { NewRun } from '../../simulations';
import { refuse, type Answer, type Handlers } from '../answer';
import type { HttpPorts } from '../ports';
import { findRow } from '../references';

type Asked<Kind extends NewSimulation['kind']> = Extract<NewSimulation, { kind: Kind }>;
type Planned = Omit<NewRun, 'requestedBy'>;

const usualTimeMs = 300_000;
const placementsAtOnce = 1000;
const unknown = (id: string) => refuse('unknown-simulation', `There is no simulation ${JSON.stringify(id)}.`);

/** What would be. None of it changes anything in the fleet. */
export function simulationHandlers({
  gateway,
  queries,
  moments,
  simulations,
}: Pick<HttpPorts, 'gateway' | 'queries' | 'moments' | 'simulations'>) {
  const { fleet } = gateway;

  async function placedAt(at: Instant): Promise<PlacementView[]> {
    const all: PlacementView[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await queries.placementsAt({ limit: placementsAtOnce, cursor }, { at });
      all.push(...page.items);
      cursor = page.nextCursor;
    }
    return all;
  }

  function premisesNow(poolId: string): Premises {
    const reports = [...fleet.views.values()].flatMap(({ report }) => (report ? [report] : []));
    return { facts: factsOfPool(inventoryNow(fleet), poolId), demand: demandHeard(reports), notes: [] };
  }

  async function premisesAt(poolId: string, at: Instant): Promise<Premises> {
    const [moment, placements] = await Promise.all([moments.moment(at), placedAt(at)]);
    return premisesThen({ moment, placements, storage: inventoryNow(fleet) }, poolId, timeText);
  }

  async function planWhatIf({
    pool,
    changes,
    forMs = usualTimeMs,
    at,
    title,
  }: Asked<'what-if'>): Promise<Answer<Planned>> {
    const found = findRow(fleet, 'pool', pool);
    if (!found.ok) return found;
    const { id: poolId, name } = found.value;
    const request = { kind: 'what-if' as const, poolId, changes, forMs, at: at ?? null };
    const premises = at === undefined ? premisesNow(poolId) : await premisesAt(poolId, at);
    if (at !== undefined && premises.facts.pools.length === 0)
      return refuse('unknown-pool', `There was no pool ${name} at ${timeText(at)}.`);
    const work = { kind: 'what-if' as const, request, premises };
    return { ok: true, value: { request, title: title ?? `${name}: ${changes.map(changeText).join(', ')}`, work } };
  }

  function planFleet({ title, seed = 1, ...given }: Asked<'fleet'>): Planned {
    const request = { ...given, seed };
    const { hosts, guests, days, policies } = request;
    const usual = `${hosts} hosts, ${guests} guests, ${days === 1 ? 'a day' : `${days} days`}: ${policies.join(', ')}`;
    return { request, title: title ?? usual, work: { kind: 'fleet', request } };
  }

  return {
    'simulation.start': async ({ body, caller }) => {
      const plan: Answer<Planned> =
        body.kind === 'what-if' ? await planWhatIf(body) : { ok: true, value: planFleet(body) };
      if (!plan.ok) return plan;
      if (simulations.isFull)
        return refuse(
          'too-many-requests',
          'As many simulations run as this controller runs at once; wait until one ends, or cancel one.',
        );
      return { ok: true, value: await simulations.start({ ...plan.value, requestedBy: caller.name }) };
    },
    'simulation.list': ({ query }) => simulations.list(query),
    'simulation.get': async ({ params: { id } }) => {
      const found = await simulations.get(id);
      return found ? { ok: true, value: found } : unknown(id);
    },
    'simulation.cancel': async ({ params: { id } }) => {
      const found = await simulations.cancel(id);
      if (!found) return unknown(id);
      return found.state === 'cancelled'
        ? { ok: true, value: found }
        : refuse('already-ended', `The simulation has ended already: it is ${found.state}.`);
    },
    'simulation.remove': async ({ params: { id } }) =>
      (await simulations.remove(id)) ? { ok: true, value: null } : unknown(id),
    'drill.predict': async ({ body }) => {
      const fault = faultOf(body);
      if (!fault.ok) return fault;
      if (!simulations.mayPredict)
        return refuse('too-many-requests', 'Other predictions are being made; ask again in a moment.');
      const answer = await simulations.predict(inventoryNow(fleet), fault.value);
      if (!answer.ok) return answer;
      const { phases, outages } = answer.value;
      return {
        ok: true,
        value: {
          phases: drillPhases.flatMap((name) =>
            phases[name] === undefined ? [] : [{ name, predictedMs: phases[name] }],
          ),
          outages: outages.map((outage) => ({
            ...outage,
            guestName: fleet.guests.get(outage.guestId)?.name ?? outage.guestId,
          })),
        },
      };
    },
  } satisfies Partial<Handlers>;

  function faultOf({ drill, host, guest, impairment }: RouteInput<'drill.predict'>['body']): Answer<DrillFault> {
    const links =
      drill === 'link-cut' || drill === 'link-slow' ? { ...defaultImpairments[drill], ...impairment } : null;
    if (drill === 'guest-crash') {
      const found = findRow(fleet, 'guest', guest ?? '');
      if (!found.ok) return found;
      return {
        ok: true,
        value: { kind: drill, hostId: found.value.hostId, guestId: found.value.id, impairment: null },
      };
    }
    const found = findRow(fleet, 'host', host ?? '');
    if (!found.ok) return found;
    return { ok: true, value: { kind: drill, hostId: found.value.id, guestId: null, impairment: links } };
  }
}

function timeText(at: Instant): string {
  return new Date(at).toISOString();
}

function changeText(change: Change): string {
  switch (change.kind) {
    case 'host-lost':
      return `${change.host} lost`;
    case 'host-added':
      return `${change.host} added`;
    case 'maintenance':
      return `${change.host} emptied`;
    case 'balance':
      return 'balanced otherwise';
  }
}
