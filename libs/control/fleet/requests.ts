import type { Recommendation } from '@argosy/domain/entities';
import type { Drill, LinkImpairment } from '@argosy/domain/drill';
import type { FleetRequest, FleetRequestKind } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { defaultImpairments } from '../defaults';
import { applyRecommendation, runBalance } from './balance';
import { createDatastore, removeDatastore, updateDatastore } from './datastores';
import { recoverGuest } from './disk-recovery';
import { affectedGuests, emptyPhases, predict } from './drills';
import { cloneGuest, setTemplate } from './clones';
import { createGuest } from './guest-creation';
import { powerGuest, removeGuest, restartGuest, updateGuest } from './guest-requests';
import {
  addFenceDevice,
  fenceHost,
  registerHost,
  removeFenceDevice,
  removeHost,
  setMaintenance,
  updateHost,
} from './host-requests';
import { acknowledgeAlarm } from './alarms';
import { find } from './lookup';
import { cancelMigration, migrateGuest } from './migrate-requests';
import { createImage, createPool, createRule, removeImage, removePool, removeRule, updatePool } from './pool-requests';
import { rollPool, stopRoll } from './rolls';
import { removeSnapshot, revertSnapshot, takeSnapshot } from './snapshots';
import { setStandby } from './standby';
import { beginTask } from './tasks';
import { planEvacuation } from './evacuation-plan';
import { poolTolerance } from './tolerance';
import { type FleetTurn, put, record } from './turn';

type Of<Kind extends FleetRequestKind> = Extract<FleetRequest, { kind: Kind }>;
type Handlers = { readonly [Kind in FleetRequestKind]: (turn: FleetTurn, request: Of<Kind>) => Result<unknown> };

/** Every request has its handler here; a missing one does not compile. */
const handlers: Handlers = {
  'pool.create': createPool,
  'pool.update': updatePool,
  'pool.remove': removePool,
  'pool.tolerance': poolTolerance,
  'host.register': registerHost,
  'host.evacuation': planEvacuation,
  'host.maintenance': setMaintenance,
  'host.standby': setStandby,
  'host.fence': fenceHost,
  'pool.roll': rollPool,
  'pool.roll-stop': stopRoll,
  'host.update': updateHost,
  'alarm.acknowledge': acknowledgeAlarm,
  'host.add-fence-device': addFenceDevice,
  'host.remove-fence-device': removeFenceDevice,
  'host.remove': removeHost,
  'guest.create': createGuest,
  'guest.clone': cloneGuest,
  'guest.template': setTemplate,
  'guest.update': updateGuest,
  'guest.power': powerGuest,
  'guest.restart': restartGuest,
  'guest.migrate': migrateGuest,
  'guest.recover': recoverGuest,
  'migration.cancel': cancelMigration,
  'guest.remove': removeGuest,
  'snapshot.take': takeSnapshot,
  'snapshot.revert': revertSnapshot,
  'snapshot.remove': removeSnapshot,
  'image.create': createImage,
  'image.remove': removeImage,
  'datastore.create': createDatastore,
  'datastore.update': updateDatastore,
  'datastore.remove': removeDatastore,
  'rule.create': createRule,
  'rule.remove': removeRule,
  'balance.run': balanceNow,
  'recommendation.apply': applyRecommendations,
  'drill.run': runDrill,
};

export function answerRequest(turn: FleetTurn, request: FleetRequest): Result<unknown> {
  const handler = handlers[request.kind] as (turn: FleetTurn, request: FleetRequest) => Result<unknown>;
  return handler(turn, request);
}

function balanceNow(turn: FleetTurn, request: Of<'balance.run'>): Result<readonly Recommendation[]> {
  const pool = find(turn, 'pool', request.pool);
  return pool.ok ? accepted(runBalance(turn, pool.value, { isAsked: true })) : pool;
}

function applyRecommendations(turn: FleetTurn, request: Of<'recommendation.apply'>): Result<readonly Recommendation[]> {
  const open = [...turn.fleet.recommendations.values()];
  let chosen = open;
  if (request.recommendations !== 'all') {
    chosen = [];
    for (const id of request.recommendations) {
      const recommendation = turn.fleet.recommendations.get(id);
      if (!recommendation)
        return refused(
          'unknown-recommendation',
          `There is no open recommendation ${JSON.stringify(id)}: it was applied or withdrawn, or never was.`,
        );
      chosen.push(recommendation);
    }
  } else if (request.pool !== undefined) {
    const pool = find(turn, 'pool', request.pool);
    if (!pool.ok) return pool;
    chosen = open.filter((each) => each.poolId === pool.value.id);
  }
  const results = chosen.map((recommendation) => applyRecommendation(turn, recommendation));
  const [only] = results;
  if (results.length === 1 && only && !only.ok) return only;
  if (results.length === 1 && only === null)
    return refused(
      'too-many-migrations',
      'Its hosts have as many migrations under way as the pool allows; apply it again when one has ended.',
    );
  return accepted(results.flatMap((result) => (result?.ok ? [result.value] : [])));
}

function impairmentOf({ drill, impairment }: Of<'drill.run'>): LinkImpairment | null {
  return drill === 'link-cut' || drill === 'link-slow' ? { ...defaultImpairments[drill], ...impairment } : null;
}

function runDrill(turn: FleetTurn, request: Of<'drill.run'>): Result<Drill> {
  const { fleet } = turn;
  if (fleet.drills.size > 0)
    return refused(
      'drill-running',
      'A drill is under way; its figures would be mixed with those of another. Wait until it has ended.',
    );
  const needsGuest = request.drill === 'guest-crash';
  const host = needsGuest ? null : find(turn, 'host', request.host ?? '');
  if (host && !host.ok) return host;
  const guest = needsGuest ? find(turn, 'guest', request.guest ?? '') : null;
  if (guest && !guest.ok) return guest;
  if (host && host.value.state !== 'online')
    return refused(
      'host-not-online',
      `${host.value.name} is ${host.value.state}: a drill needs a host that is online.`,
    );
  if (guest && guest.value.state !== 'running')
    return refused(
      'guest-not-running',
      `${guest.value.name} is ${guest.value.state}: a drill needs a guest that runs.`,
    );
  const subject = {
    kind: request.drill,
    hostId: host?.value.id ?? guest?.value.hostId ?? null,
    guestId: guest?.value.id ?? null,
    impairment: impairmentOf(request),
  };
  const drill: Drill = {
    id: fleet.newId(),
    ...subject,
    poolId: (host ?? guest)!.value.poolId,
    state: 'predicting',
    objectives: request.objectives ?? {},
    phases: emptyPhases(subject, request.objectives ?? {}),
    outages: affectedGuests(turn, subject),
    verdict: null,
    explanation: '',
    requestedBy: turn.actor,
    createdAt: turn.now,
    injectedAt: null,
    endedAt: null,
  };
  put(turn, 'drill', drill);
  beginTask(turn, 'drill.run', ['drill', drill.id]);
  record(turn, {
    code: 'drill-begun',
    subject: ['drill', drill.id],
    message: `Drill ${drill.kind} of ${host?.value.name ?? guest?.value.name}: ${drill.outages.length} guests are affected.`,
  });
  predict(turn, drill);
  return accepted(drill);
}
