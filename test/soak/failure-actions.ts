import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteResponse } from '@argosy/contracts/routes';
import { isolationResponses } from '@argosy/domain/policies';
import type { LabHost } from '../fleet/host';
import { type Action, ask, askMs, between, countEnds, guestsAt, kill, pickHost, type Soak } from './moves';
import type { SoakGuest } from './soak-guest';

type DrillRow = RouteResponse<'drill.get'>;

/** It is never injected after this: the drill ends by then, whatever happens to its controllers. */
const drillDeadlineMs = 150_000;
const lookEveryMs = 100;

/** A request that no answer came to may have been heard, until its sender gives up on it. */
const unheardMs = 22_000;

/**
 * Until the drill has broken what it is to break, or was refused that. Everyone who was on the host meanwhile may have lost
 * his memory: between the request and the fault lies a simulation, and guests move.
 */
async function untilInjected(
  soak: Soak,
  host: LabHost,
  { find, deadlineMs }: { readonly find: () => Promise<DrillRow | undefined>; readonly deadlineMs: number },
): Promise<DrillRow | null> {
  const affected = new Set<SoakGuest>();
  const end = performance.now() + drillDeadlineMs;
  const foundBy = performance.now() + deadlineMs;
  let seen: DrillRow | null = null;
  while (performance.now() < (seen ? end : foundBy)) {
    for (const guest of await guestsAt(soak, host)) affected.add(guest);
    seen = (await find().catch(() => undefined)) ?? seen;
    if (seen && (seen.injectedAt !== null || seen.endedAt !== null)) break;
    await sleep(lookEveryMs);
  }
  for (const guest of await guestsAt(soak, host)) affected.add(guest);
  const isHarmless = seen === null || (seen.endedAt !== null && seen.injectedAt === null);
  if (!isHarmless) for (const guest of affected) guest.ends += 1;
  return seen;
}

interface Drill {
  readonly body: { readonly drill: 'host-loss' | 'link-cut' | 'link-slow'; readonly impairment?: object };
  readonly host: LabHost;
  /** What it breaks, as repairs name it. */
  readonly what: string;
  /** Once it has broken that. */
  readonly mend: () => Promise<void>;
}

/** Whether it was begun is not known where nobody answered; then it is looked for among those that were. */
async function drill(soak: Soak, { body, host, what, mend }: Drill): Promise<string | null> {
  if (soak.repairs.isBroken(what)) return null;
  const { api } = soak.fleet;
  const askedAt = soak.fleet.now();
  const answer = await api
    .call('drill.run', { body: { ...body, host: host.name } }, askMs)
    .catch((error: Error) => error);
  const isBegun = !(answer instanceof Error);
  const find = async (): Promise<DrillRow | undefined> => {
    if (isBegun) return api.call('drill.get', { params: { id: answer.id } }, askMs);
    const { items } = await api.call('drill.list', { query: { limit: 5 } }, askMs);
    return items.find(({ kind, createdAt }) => kind === body.drill && createdAt >= askedAt);
  };
  soak.repairs.after(0, what, `drill ${body.drill} of ${host.name}`, async () => {
    const row = await untilInjected(soak, host, { find, deadlineMs: isBegun ? drillDeadlineMs : unheardMs });
    if (row?.injectedAt != null) await mend();
    return row === null ? 'never begun' : row.explanation || 'over';
  });
  const said = `drill ${body.drill} of ${host.name} ${JSON.stringify(body.impairment ?? {})}`;
  return `${said}: ${isBegun ? 'accepted' : answer.message.slice(0, 160)}`;
}

/** Hosts fail, and what is between them. */
export const failureActions: readonly Action[] = [
  {
    weight: 2,
    run: async (soak) => {
      const host = pickHost(soak);
      const backMs = between(soak.random, 3_000, 12_000);
      const mend = async (): Promise<void> => {
        await sleep(backMs);
        await host.power('on');
      };
      return drill(soak, { body: { drill: 'host-loss' }, host, what: 'host', mend });
    },
  },
  {
    weight: 3,
    run: async (soak) => {
      const { random } = soak;
      const host = pickHost(soak);
      const networks = random.pick([['management'], ['guests'], ['management', 'guests']]);
      const durationMs = between(random, 1_000, 15_000);
      // It ends by itself; till then its guests may be ended as the pool has it.
      const mend = async (): Promise<void> => {
        await sleep(durationMs);
        await countEnds(soak, host);
      };
      const body = { drill: 'link-cut', impairment: { networks, durationMs } } as const;
      return drill(soak, { body, host, what: 'link', mend });
    },
  },
  {
    weight: 1,
    run: async (soak) => {
      const { random } = soak;
      const host = pickHost(soak);
      const durationMs = between(random, 1_000, 10_000);
      const impairment = { durationMs, delayMs: random.below(200), lossShare: random.pick([0, 0.01, 0.1]) };
      // As slow and lossy as that, it may be taken for cut off.
      const mend = async (): Promise<void> => {
        await sleep(durationMs);
        await countEnds(soak, host);
      };
      const body = { drill: 'link-slow', impairment } as const;
      return drill(soak, { body, host, what: 'link', mend });
    },
  },
  {
    weight: 1,
    run: async (soak) => {
      if (soak.repairs.isBroken('host')) return null;
      const spared = pickHost(soak);
      const lost = soak.fleet.hosts.filter((host) => host !== spared);
      const backMs = between(soak.random, 3_000, 12_000);
      for (const host of lost) await countEnds(soak, host);
      await Promise.all(lost.map((host) => host.power('off')));
      for (const host of lost) await countEnds(soak, host);
      const names = lost.map(({ name }) => name).join(' and ');
      soak.repairs.after(backMs, 'host', `${names} on`, async () => {
        await Promise.all(lost.map((host) => host.power('on')));
      });
      return `cut the power of ${names} at once for ${backMs} ms`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const host = pickHost(soak);
      return kill(host.watchdogPid()) ? `kill the watchdog of ${host.name}` : null;
    },
  },
  {
    weight: 1,
    run: async (soak) => {
      const settings = {
        isolationResponse: soak.random.pick(isolationResponses),
        failure: { maximumSilentHosts: soak.random.pick([1, 2]) },
      };
      const answer = await ask(soak, 'pool.update', { params: { pool: 'pool' }, body: { settings } });
      return `settings ${JSON.stringify(settings)}: ${answer}`;
    },
  },
];
