// A switch in user space, for guests on a machine where the lab may not make networks of the kernel's: one Unix socket for
// each host of the lab, on which each of its guests' QEMU has a connection (-netdev stream: each frame behind its length in
// 4 bytes, the highest first). It learns which station is behind which connection, as any switch does.
//
//   node apps/lab/ethernet-switch.mjs <control socket> <host>=<socket> ...
//
// The control socket takes one JSON object a line: { "host": "h2", "cut": true, "delayMs": 20, "jitterMs": 5, "lossShare": 0.01,
// "forMs": 10000 } sets what happens to the frames of that host's uplink, and is answered by
// { "ok": true }; what is no such object, by { "ok": false }.

import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { DelayLine } from './delay-line.mjs';
import { onLines } from './line-socket.mjs';

/** @typedef {import('node:net').Socket} Socket */
/** @typedef {{ cut: boolean, delayMs: number, jitterMs: number, lossShare: number }} Impairment */

const longestFrame = 70_000;
/** What a slow reader may owe; a switch drops what finds no room. */
const mostBuffered = 4 * 2 ** 20;
/** As many as a switch of this size remembers: whoever claims more addresses is flooded to, and fills no memory. */
const mostStations = 8_192;
const amounts = new Set(['delayMs', 'jitterMs', 'lossShare', 'forMs']);
const headerBytes = 4;
const addressBytes = 6;

/** @type {Impairment} */
export const unimpaired = { cut: false, delayMs: 0, jitterMs: 0, lossShare: 0 };

export class EthernetSwitch {
  /** @type {Map<Socket, string>} the host of each connection */
  hosts = new Map();
  /** @type {Map<string, Socket>} by the station's address */
  stations = new Map();
  /** @type {Map<string, Impairment>} */
  impairments = new Map();
  /** @type {Map<string, DelayLine>} by the two hosts between which it is */
  delayed = new Map();

  /**
   * @param {string} host
   * @param {Socket} socket
   */
  plug(host, socket) {
    this.hosts.set(socket, host);
    let pending = /** @type {Buffer} */ (Buffer.alloc(0));
    socket.on('data', (/** @type {Buffer} */ data) => {
      pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
      while (pending.length >= headerBytes) {
        const length = pending.readUInt32BE(0);
        // Not what QEMU speaks: nothing that follows could be understood.
        if (length > longestFrame) return void socket.destroy();
        if (pending.length < headerBytes + length) return;
        this.forward(socket, pending.subarray(0, headerBytes + length));
        pending = pending.subarray(headerBytes + length);
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.hosts.delete(socket);
      for (const [station, at] of this.stations) if (at === socket) this.stations.delete(station);
    });
  }

  /**
   * @param {Socket} from
   * @param {Buffer} framed with its length
   */
  forward(from, framed) {
    if (framed.length < headerBytes + 2 * addressBytes) return;
    const addressAt = (/** @type {number} */ offset) =>
      framed.toString('hex', headerBytes + offset, headerBytes + offset + addressBytes);
    const [target, source] = [addressAt(0), addressAt(addressBytes)];
    const isGroup = (/** @type {string} */ address) => (parseInt(address.slice(0, 2), 16) & 1) === 1;
    if (!isGroup(source) && (this.stations.has(source) || this.stations.size < mostStations))
      this.stations.set(source, from);
    const known = isGroup(target) ? undefined : this.stations.get(target);
    if (known === from) return;
    for (const to of known === undefined ? this.hosts.keys() : [known]) if (to !== from) this.carry(from, to, framed);
  }

  /**
   * @param {Socket} from
   * @param {Socket} to
   * @param {Buffer} framed
   */
  carry(from, to, framed) {
    const [one, other] = [this.hosts.get(from) ?? '', this.hosts.get(to) ?? ''];
    if (one === other) return send(to, framed);
    // Over the uplink of the one and then that of the other.
    let delayMs = 0;
    for (const host of [one, other]) {
      const impairment = this.impairments.get(host);
      if (impairment === undefined) continue;
      if (impairment.cut || Math.random() < impairment.lossShare) return;
      delayMs += impairment.delayMs + (Math.random() * 2 - 1) * impairment.jitterMs;
    }
    const way = `${one}>${other}`;
    const line = this.delayed.get(way);
    if (line === undefined && delayMs <= 0) return send(to, framed);
    const late = line ?? new DelayLine();
    this.delayed.set(way, late);
    const frame = Buffer.from(framed);
    late.carry(delayMs, () => send(to, frame));
  }

  /**
   * @param {string} host
   * @param {Partial<Impairment> & { forMs?: number }} impairment
   */
  impair(host, { forMs, ...impairment }) {
    const now = { ...unimpaired, ...impairment };
    this.impairments.set(host, now);
    if (forMs === undefined) return;
    setTimeout(() => this.impairments.get(host) === now && this.impairments.delete(host), forMs);
  }
}

/**
 * @param {Socket} to
 * @param {Buffer} framed
 */
function send(to, framed) {
  if (!to.destroyed && to.writableLength < mostBuffered) to.write(framed);
}

/**
 * @param {string} path
 * @param {(socket: Socket) => void} take
 * @returns {Promise<void>}
 */
function listen(path, take) {
  rmSync(path, { force: true });
  const server = createServer(take);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve();
    });
  });
}

/**
 * @param {string} line
 * @returns {{ host: string, impairment: Partial<Impairment> & { forMs?: number } } | undefined} undefined: it is no such request
 */
function parseImpairment(line) {
  try {
    const { host, ...impairment } = JSON.parse(line);
    const isWhole = Object.entries(impairment).every(([name, value]) =>
      name === 'cut' ? typeof value === 'boolean' : amounts.has(name) && typeof value === 'number' && value >= 0,
    );
    return typeof host === 'string' && isWhole ? { host, impairment } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** @param {string[]} args */
async function main([control, ...ports]) {
  if (control === undefined || ports.length === 0)
    throw new Error('usage: node apps/lab/ethernet-switch.mjs <control socket> <host>=<socket> ...');
  process.umask(0o177);
  const fabric = new EthernetSwitch();
  for (const port of ports) {
    const [host = '', path = ''] = port.split(/=(.*)/s);
    await listen(path, (socket) => fabric.plug(host, socket));
  }
  await listen(control, (socket) => {
    socket.on('error', () => socket.destroy());
    onLines(socket, (line) => {
      const request = parseImpairment(line);
      if (request !== undefined) fabric.impair(request.host, request.impairment);
      socket.write(`${JSON.stringify({ ok: request !== undefined })}\n`);
    });
  });
}

if (process.argv[1]?.endsWith('ethernet-switch.mjs')) {
  process.on('SIGHUP', () => undefined);
  main(process.argv.slice(2)).catch((error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
}
