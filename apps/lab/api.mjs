// The launcher's client of the REST interface (libs/contracts/routes.ts). It stands apart from the command line's,
// because the launcher runs before any package is installed.

import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from './processes.mjs';

/** @typedef {{ id: string, name: string }} Named */
/** @typedef {Named & { balance: { automation: string } }} Pool */
/** @typedef {Named & { state: string, stateReason: string }} Host */
/** @typedef {Named & { state: string, stateReason: string, desired: string, hostId: string | null }} Guest */
/** @typedef {{ count: number, work: number, at: number, firstAt: number }} Heartbeat */
/** @typedef {{ cpuMillicores: number, cpuDemandMillicores: number }} Usage */
/** @typedef {{ guestId: string, state: string, usage: Usage | null, heartbeat: Heartbeat | null }} Observation */
/** @typedef {{ hostId: string, heardAt: number | null, capacity: { cpuMillicores: number, memoryMiB: number }, cpuMillicores: number, guests: Observation[] }} HostUsage */
/** @typedef {{ id: string, guestId: string, sourceHostId: string, targetHostId: string, step: string, reason: string, downtimeMs: number | null, guestSeenDowntimeMs: number | null, failure: string | null, createdAt: number, endedAt: number | null }} Migration */
/** @typedef {{ id: string, guestId: string, fromHostId: string | null, toHostId: string, priority: number, reason: string, gain: number, cost: number, state: string, createdAt: number }} Recommendation */
/** @typedef {{ name: string, predictedMs: number | null, measuredMs: number | null, objectiveMs: number | null, met: boolean | null }} DrillPhase */
/** @typedef {{ guestName: string, predictedMs: number | null, outageMs: number | null, fromHostId: string, toHostId: string | null }} Outage */
/** @typedef {{ id: string, state: string, phases: DrillPhase[], outages: Outage[], verdict: 'met' | 'missed' | null, explanation: string }} Drill */
/** @typedef {{ id: number, at: number, code: string, severity: string, message: string }} FleetEvent */

/** A refusal of the server, with its stable code. */
export class ApiRefusal extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// A controller that has just started, or restarted, takes a moment to lead.
const patienceMs = 15_000;
const retryAfterMs = 200;

/**
 * @param {{ url: string, token: string }} server
 */
export function createApi({ url, token }) {
  /**
   * @param {string} method
   * @param {string} path below /api/v1
   * @param {unknown} [body]
   * @returns {Promise<any>}
   */
  async function once(method, path, body) {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const value = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw new ApiRefusal(response.status, value?.code ?? 'unknown', value?.message ?? text);
    return value;
  }

  /**
   * Tries again while nobody leads or listens. A write that was cut off may have been done, so only reading is
   * repeated after a broken connection.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>}
   */
  async function request(method, path, body) {
    const end = performance.now() + patienceMs;
    for (;;) {
      try {
        return await once(method, path, body);
      } catch (error) {
        const waits = error instanceof ApiRefusal ? error.status === 503 : method === 'GET';
        if (!waits || performance.now() > end) {
          throw error instanceof ApiRefusal
            ? error
            : new Error(`${method} ${url}/api/v1${path}: ${errorMessage(error)}`);
        }
        await sleep(retryAfterMs);
      }
    }
  }

  /**
   * @param {string} path
   * @returns {Promise<any[]>}
   */
  const list = async (path) => (await request('GET', path)).items;
  const at = (/** @type {string} */ collection, /** @type {string} */ name) =>
    `/${collection}/${encodeURIComponent(name)}`;

  return {
    url,
    request,
    pools: () => /** @type {Promise<Pool[]>} */ (list('/pools')),
    createPool: (/** @type {object} */ body) => request('POST', '/pools', body),
    updatePool: (/** @type {string} */ name, /** @type {object} */ body) => request('PATCH', at('pools', name), body),
    datastores: () => /** @type {Promise<Named[]>} */ (list('/datastores')),
    createDatastore: (/** @type {object} */ body) => request('POST', '/datastores', body),
    images: () => /** @type {Promise<Named[]>} */ (list('/images')),
    createImage: (/** @type {object} */ body) => request('POST', '/images', body),
    /** @returns {Promise<string>} */
    createJoinToken: async (/** @type {object} */ body) => (await request('POST', '/join-tokens', body)).secret,
    hosts: () => /** @type {Promise<Host[]>} */ (list('/hosts')),
    guests: () => /** @type {Promise<Guest[]>} */ (list('/guests')),
    createGuest: (/** @type {object} */ body) => request('POST', '/guests', body),
    startGuest: (/** @type {string} */ name) => request('POST', `${at('guests', name)}/start`),
    stopGuest: (/** @type {string} */ name) => request('POST', `${at('guests', name)}/stop`, { force: true }),
    typeOnConsole: (/** @type {string} */ name, /** @type {string} */ line) =>
      request('POST', `${at('guests', name)}/console`, { text: `${line}\n` }),
    usage: () => /** @type {Promise<HostUsage[]>} */ (list('/usage')),
    migrations: () => /** @type {Promise<Migration[]>} */ (list('/migrations?limit=100')),
    recommendations: () => /** @type {Promise<Recommendation[]>} */ (list('/recommendations?limit=100')),
    applyRecommendations: (/** @type {readonly string[]} */ recommendations) =>
      request('POST', '/recommendations/apply', { recommendations }),
    events: () => /** @type {Promise<FleetEvent[]>} */ (list('/events?limit=20')),
    runDrill: (/** @type {object} */ body) => /** @type {Promise<Drill>} */ (request('POST', '/drills', body)),
    drill: (/** @type {string} */ id) => /** @type {Promise<Drill>} */ (request('GET', at('drills', id))),
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */
