// What the power switch of a chassis does, and what it refuses. Requests that change something go one after another;
// a status is answered at once.

import { randomBytes } from 'node:crypto';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canMakeNamespace, chassisProcesses, guestProcesses, killTree, startTree, stopAgent } from './chassis-tree.mjs';
import { CannotImpair, impairLinks } from './chassis-links.mjs';
import { readJson, writeJson } from './private-files.mjs';
import { errorCode, isRunning, sendSignal, waitUntil } from './processes.mjs';
import { createShare, removeShare, startDutyCycle } from './processor-share.mjs';

/** @typedef {import('./chassis-tree.mjs').Tree} Tree */
/** @typedef {import('./processor-share.mjs').ProcessorShare} ProcessorShare */
/** @typedef {{ id?: number | undefined, op: string, incarnation?: number | undefined, term?: number | undefined }} PowerRequest */
/** @typedef {{ id?: number | undefined, ok: true } & Record<string, unknown>} PowerAnswer */
/** @typedef {{ id?: number | undefined, ok: false, code: string, message: string }} PowerRefusal */
/** @typedef {PowerAnswer | PowerRefusal} PowerResponse */
/**
 * @typedef {object} PowerConfig
 * @property {string} host
 * @property {string} [lab] names the control groups of one lab; made from the folder's parent when missing
 * @property {string} folder the power process' own: its state and logs
 * @property {string} socket
 * @property {number} cpuMillicores
 * @property {number} memoryMiB
 * @property {string[]} command
 * @property {Record<string, string>} environment
 * @property {string} heartbeatFile
 * @property {string} stateFolder the agent's; it writes its number into `incarnation` there
 * @property {'auto' | 'duty-cycle' | 'none'} [cpuMethod]
 * @property {'auto' | 'never'} [namespace] of its processes
 * @property {string} [networkNamespace] by name; without one the host shares the machine's network
 */
/**
 * @typedef {object} PowerState
 * @property {number} highestTerm
 * @property {{ tree: Tree, share: ProcessorShare, poweredOnAt: string, cpuMillicores: number }} [on]
 */

const offDeadlineMs = 5_000;
const switchingOperations = new Set(['on', 'off', 'reset']);

/**
 * @param {string} file
 * @returns {PowerConfig}
 */
export function readPowerConfig(file) {
  const config = /** @type {PowerConfig | undefined} */ (readJson(file));
  if (config === undefined) throw new Error(`there is no ${file}`);
  for (const field of /** @type {const} */ (['host', 'folder', 'socket', 'heartbeatFile', 'stateFolder'])) {
    if (typeof config[field] !== 'string' || config[field] === '')
      throw new Error(`${file}: "${field}" must be a text`);
  }
  // It becomes the name of a control group.
  if (!/^[\w-]+$/.test(config.host)) throw new Error(`${file}: "host" may hold letters, digits, _ and - only`);
  if (!Array.isArray(config.command) || config.command.length === 0)
    throw new Error(`${file}: "command" must name a program`);
  if (!(config.cpuMillicores > 0)) throw new Error(`${file}: "cpuMillicores" must be above 0`);
  return config;
}

/**
 * @param {string} code
 * @param {string} message
 * @returns {PowerRefusal}
 */
function refuse(code, message) {
  return { ok: false, code, message };
}

export class Chassis {
  /** @param {string} configFile */
  constructor(configFile) {
    this.configFile = configFile;
    this.config = readPowerConfig(configFile);
    this.stateFile = join(this.config.folder, 'power.json');
    this.state = /** @type {PowerState} */ (readJson(this.stateFile) ?? { highestTerm: 0 });
    /** @type {Promise<unknown>} */
    this.lane = Promise.resolve();
    this.endDutyCycle = () => {};
    this.impairedUntil = 0;
    this.resumeAfterRestart();
  }

  /** A chassis left on by an earlier power process is taken over as it is. */
  resumeAfterRestart() {
    const { on } = this.state;
    if (on === undefined) return;
    if (chassisProcesses({ mark: on.tree.mark, namespace: '' }).length === 0) {
      removeShare(on.share);
      this.save({ highestTerm: this.state.highestTerm });
      return;
    }
    // The earlier process may have died while a duty cycle held the guests.
    if (on.share.method === 'duty-cycle') guestProcesses(on.tree).forEach((guest) => sendSignal(guest, 'SIGCONT'));
    this.beginDutyCycle();
  }

  /** @param {PowerState} state */
  save(state) {
    this.state = state;
    writeJson(this.stateFile, state);
  }

  /**
   * @param {PowerRequest} request
   * @returns {Promise<PowerResponse>}
   */
  perform(request) {
    if (request.op === 'status') return Promise.resolve(this.status());
    const result = this.lane.then(() => this.change(request));
    this.lane = result.catch(() => undefined);
    return result;
  }

  /**
   * @param {PowerRequest} request
   * @returns {Promise<PowerResponse>}
   */
  async change(request) {
    // Only who switches shows its term: what means nothing must not raise it, and shut out whoever leads.
    const staleTerm = switchingOperations.has(request.op) ? this.refuseTerm(request.term) : undefined;
    if (staleTerm !== undefined) return staleTerm;
    switch (request.op) {
      case 'on':
        return this.powerOn();
      case 'off':
        return this.powerOff(request.incarnation);
      case 'reset': {
        const off = await this.powerOff(request.incarnation);
        return off.ok ? this.powerOn() : off;
      }
      case 'impair':
        return this.impair(request);
      case 'stop-agent':
        return { ok: true, stopped: this.state.on !== undefined && stopAgent(this.state.on.tree) };
      case 'shutdown-power-process': {
        const off = await this.powerOff(undefined);
        return off.ok ? { ...off, ends: true } : off;
      }
      default:
        return refuse(
          'unknown-op',
          `"${request.op}" is none of on, off, reset, status, impair, stop-agent, shutdown-power-process`,
        );
    }
  }

  /**
   * A controller that has lost its lease must not switch the power of a host any more.
   * @param {number | undefined} term
   * @returns {PowerRefusal | undefined}
   */
  refuseTerm(term) {
    if (term === undefined) return undefined;
    const { highestTerm } = this.state;
    if (term < highestTerm)
      return refuse('stale-term', `term ${term} is over: ${this.config.host} has seen ${highestTerm}`);
    if (term > highestTerm) this.save({ ...this.state, highestTerm: term });
    return undefined;
  }

  /** @returns {number | null} what the agent wrote when it last registered */
  incarnation() {
    try {
      const text = readFileSync(join(this.config.stateFolder, 'incarnation'), 'utf8').trim();
      return /^\d+$/.test(text) ? Number(text) : null;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** @returns {PowerAnswer} */
  status() {
    const { on, highestTerm } = this.state;
    const processes = on === undefined ? 0 : chassisProcesses(on.tree).length;
    return {
      ok: true,
      host: this.config.host,
      power: processes > 0 ? 'on' : 'off',
      processes,
      incarnation: this.incarnation(),
      poweredOnAt: on?.poweredOnAt ?? null,
      cpu: on?.share.method ?? 'none',
      cgroup: on?.share.folder ?? '',
      namespace: on !== undefined && on.tree.namespace !== '',
      mark: on?.tree.mark ?? null,
      term: highestTerm,
      pid: process.pid,
    };
  }

  /** @returns {Promise<PowerResponse>} */
  async powerOn() {
    if (this.state.on !== undefined) {
      if (isRunning(this.state.on.tree.root)) return { ...this.status(), already: true };
      // Its first process died on its own (the machine ran out of memory, say): what is left goes first.
      const off = await this.powerOff(undefined);
      if (!off.ok) return off;
    }
    this.config = readPowerConfig(this.configFile);
    const { config } = this;
    mkdirSync(config.stateFolder, { recursive: true, mode: 0o700 });
    mkdirSync(dirname(config.heartbeatFile), { recursive: true });
    const lab = config.lab ?? createHash('sha256').update(dirname(config.folder)).digest('hex').slice(0, 8);
    const share = createShare({ lab, host: config.host, millicores: config.cpuMillicores, method: config.cpuMethod });
    const tree = await startTree({
      mark: `${config.host}-${randomBytes(8).toString('hex')}`,
      networkNamespace: config.networkNamespace ?? '',
      useNamespace: config.namespace !== 'never' && canMakeNamespace(),
      heartbeatFile: config.heartbeatFile,
      command: config.command,
      environment: { ...inheritedEnvironment(), ...config.environment, ARGOSY_CGROUP: share.folder },
      logFile: join(config.folder, 'agent.log'),
    });
    const { highestTerm } = this.state;
    this.save({
      highestTerm,
      on: { tree, share, poweredOnAt: new Date().toISOString(), cpuMillicores: config.cpuMillicores },
    });
    this.beginDutyCycle();
    return this.status();
  }

  /**
   * @param {PowerRequest} request
   * @returns {Promise<PowerResponse>}
   */
  async impair(request) {
    if (Date.now() < this.impairedUntil)
      return refuse(
        'impaired-already',
        `the links of ${this.config.host} are impaired already; wait until that is over`,
      );
    try {
      const { forMs } = await impairLinks(readPowerConfig(this.configFile), { ...request });
      this.impairedUntil = Date.now() + forMs;
      return { ok: true, forMs };
    } catch (error) {
      if (error instanceof CannotImpair) return refuse('cannot-impair', error.message);
      throw error;
    }
  }

  beginDutyCycle() {
    const { on } = this.state;
    if (on?.share.method !== 'duty-cycle') return;
    this.endDutyCycle = startDutyCycle({ millicores: on.cpuMillicores, guests: () => guestProcesses(on.tree) });
  }

  /**
   * @param {number | undefined} incarnation
   * @returns {Promise<PowerResponse>}
   */
  async powerOff(incarnation) {
    const { on, highestTerm } = this.state;
    if (on === undefined) return { ok: true, power: 'off', already: true, confirmedInMs: 0, killed: 0 };
    const begin = performance.now();
    // Read here, next to the kill: the host may have come back since the request was sent.
    const current = this.incarnation();
    if (incarnation !== undefined && current !== null && current > incarnation) {
      return refuse('stale-incarnation', `${this.config.host} is at incarnation ${current}, later than ${incarnation}`);
    }
    this.endDutyCycle();
    const { confirmed, killed, left } = await killTree(on.tree, { deadlineMs: offDeadlineMs });
    if (!confirmed) {
      return refuse(
        'not-confirmed',
        `processes ${left.join(', ')} of ${this.config.host} still live ${offDeadlineMs} ms after the power cut`,
      );
    }
    const confirmedInMs = Math.round(performance.now() - begin);
    this.save({ highestTerm });
    await waitUntil(() => removeShare(on.share), { deadlineMs: 1_000 });
    return { ok: true, power: 'off', confirmedInMs, killed };
  }
}

/**
 * What programs need to be found and to run; nothing of the launcher's secrets.
 * @returns {Record<string, string>}
 */
function inheritedEnvironment() {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
