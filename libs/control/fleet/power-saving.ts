import type { Guest, Host, Pool } from '@argosy/domain/entities';
import type { Refusal, Result } from '@argosy/domain/refusal';
import { type Cluster, usableHosts } from '@argosy/scheduler/cluster';
import { chooseHost } from '@argosy/scheduler/place';
import { hostToEmpty, loadShare } from '@argosy/scheduler/power-saving';
import { tolerance } from '@argosy/scheduler/tolerance';
import { lacksRoom, notRestarted, spareOf } from './admission';
import { clusterOf } from './placement';
import { enterStandby, followStandby, leaveStandby, stay } from './standby';
import { clearAlarm, type FleetTurn, raiseAlarm } from './turn';
import { mayBeStarted } from './indexes';

/** Looked at as often as balance is; what is on its way, on every pass. One host at a time goes, so that each sees what the last has done. */
export function savePower(turn: FleetTurn): void {
  const { fleet, now } = turn;
  for (const pool of fleet.pools.values()) {
    const hosts = [...fleet.hosts.values()].filter(({ poolId }) => poolId === pool.id);
    for (const host of hosts) if (host.standby !== 'none') followStandby(turn, host);
    const view = fleet.powerViews.get(pool.id);
    if (view && now - view.at < pool.balance.intervalMs) continue;
    const lowSince = decide(turn, pool) ? (view?.lowSince ?? now) : null;
    fleet.powerViews.set(pool.id, { at: now, lowSince });
  }
}

/** True: the pool can do without one of its hosts, and none is on its way. */
function decide(turn: FleetTurn, pool: Pool): boolean {
  const hosts = [...turn.fleet.hosts.values()].filter(({ poolId }) => poolId === pool.id);
  const sleeping = hosts.filter(({ standby }) => standby === 'in');
  if (pool.power.automation === 'off') {
    // Hosts that are off stay off: an administrator has said so, for some of them or for the pool.
    withdraw(turn, hosts, null);
    return false;
  }
  const leaving = hosts.find(({ standby }) => standby === 'entering');
  const cluster = clusterOf(turn, pool.id);
  if (sleeping.length > 0 || leaving) {
    const need = whyMore(turn, pool, cluster);
    if (need !== null) {
      if (leaving) stay(turn, leaving, need);
      else if (!hosts.some(({ standby }) => standby === 'leaving')) wake(turn, pool, sleeping, need);
      return false;
    }
  }
  if (hosts.some(({ standby }) => standby !== 'none' && standby !== 'in')) return false;
  return trySaving(turn, pool, cluster, hosts);
}

function lossesOf(pool: Pool, cluster: Cluster): number {
  const { admission, toleratedHostFailures } = pool.failure;
  return admission === 'host-failures' ? Math.min(toleratedHostFailures, usableHosts(cluster).length) : 0;
}

/** Why another host is to be on; null: there is no need. */
function whyMore(turn: FleetTurn, pool: Pool, cluster: Cluster): string | null {
  const share = loadShare(cluster);
  if (share > pool.power.onShare) return `its pool is asked for ${percent(share)} of what is on`;
  const waiting = [...turn.fleet.guests.values()].find(
    (guest) =>
      guest.poolId === pool.id &&
      (guest.state === 'recovering' || (mayBeStarted(guest) && guest.desired === 'running')) &&
      chooseHost(cluster, cluster.guestIndex.get(guest.id)!) < 0,
  );
  if (waiting) return `${waiting.name} waits for room`;
  if (lacksRoom(turn, pool)) return 'those that are on have too little room for failures';
  const losses = lossesOf(pool, cluster);
  if (losses === 0) return null;
  const lacks =
    tolerance(cluster, { losses, without: notRestarted(turn, cluster), isLate: turn.fleet.deadline() }).witness !==
    null;
  return lacks || usableHosts(cluster).length <= losses
    ? `those that are on have no room for the loss of ${losses} host${losses === 1 ? '' : 's'}`
    : null;
}

/** The largest first: it does what several small ones would. */
function largest(sleeping: readonly Host[]): Host | undefined {
  return [...sleeping].sort((a, b) => b.capacity.memoryMiB - a.capacity.memoryMiB || (a.name < b.name ? -1 : 1))[0];
}

/** A start that was refused for want of room, where hosts are off that would have some: the next try finds it. */
export function wakeFor(turn: FleetTurn, guest: Guest, refusal: Refusal): Result<never> {
  const isShort = refusal.code === 'admission-control' || refusal.code === 'no-host-fits';
  const hosts = [...turn.fleet.hosts.values()].filter(({ poolId }) => poolId === guest.poolId);
  if (!isShort || turn.fleet.pools.get(guest.poolId)?.power.automation !== 'automatic') return { ok: false, refusal };
  let host = hosts.find(({ standby }) => standby === 'leaving');
  const sleeping = largest(hosts.filter(({ standby }) => standby === 'in'));
  if (!host && sleeping) host = leaveStandby(turn, sleeping, `${guest.name} is to start, and there is no room for it`);
  if (!host) return { ok: false, refusal };
  const message = `${refusal.message} ${host.name} is being switched on, which saved power: try again when it is online.`;
  return { ok: false, refusal: { ...refusal, message } };
}

function wake(turn: FleetTurn, pool: Pool, sleeping: readonly Host[], reason: string): void {
  const host = largest(sleeping);
  if (!host) return;
  if (pool.power.automation === 'automatic') return void leaveStandby(turn, host, reason);
  recommend(turn, host, `${host.name} should be switched on: ${reason}. argosy host standby exit ${host.name}`);
}

function trySaving(turn: FleetTurn, pool: Pool, cluster: Cluster, hosts: readonly Host[]): boolean {
  const { fleet, now } = turn;
  const { power } = pool;
  const mayGo = (index: number): boolean => {
    const host = fleet.hosts.get(cluster.hosts[index]!.id)!;
    const hasOwnDatastore = [...fleet.datastores.values()].some(({ hostId }) => hostId === host.id);
    return host.fenceDevices.length > 0 && !hasOwnDatastore && !lacksRoom(turn, pool, host.id);
  };
  const options = {
    ...power,
    ...(pool.failure.admission === 'failover-hosts' ? { mostHeld: spareOf(turn, pool) } : {}),
    losses: lossesOf(pool, cluster),
    without: notRestarted(turn, cluster),
    isLate: fleet.deadline(),
  };
  const found = hostToEmpty(cluster, mayGo, options);
  const host = found === null ? null : fleet.hosts.get(cluster.hosts[found.host]!.id)!;
  withdraw(turn, hosts, host);
  if (found === null || host === null) return false;
  const lowSince = fleet.powerViews.get(pool.id)?.lowSince ?? now;
  if (now - lowSince < power.lowForMs) return true;
  const reason = `the others would be asked for ${percent(found.shareAfter)} of what they have`;
  if (power.automation === 'manual') {
    recommend(turn, host, `${host.name} could be switched off: ${reason}. argosy host standby enter ${host.name}`);
    return true;
  }
  enterStandby(turn, host, reason);
  return false;
}

function recommend(turn: FleetTurn, host: Host, message: string): void {
  raiseAlarm(turn, { code: 'power-recommended', severity: 'information', subject: ['host', host.id], message });
}

/** What was recommended and does not hold any more. */
function withdraw(turn: FleetTurn, hosts: readonly Host[], kept: Host | null): void {
  for (const { id } of hosts) if (id !== kept?.id) clearAlarm(turn, 'power-recommended', id);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
