// A large fleet for the console to look at: the files as they were built, lists that do not change, and events that do. What a real
// controller of such a fleet takes for itself is not measured here.

import { createServer } from 'node:http';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { closeLater } from '../closers.mjs';
import { built } from '../built.mjs';

/** @typedef {{ url: string, eventsPerSecond: (count: number) => void }} FleetServer */

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** @param {{ hosts: number, guests: number }} size */
function rowsOf({ hosts, guests }) {
  const perHost = Math.ceil(guests / hosts);
  /** @type {any} */
  const inventory = built('simulator/inventory-plan').inventoryOf({
    hosts: Array.from({ length: hosts }, (_, index) => ({
      name: `sim-${String(index + 1).padStart(4, '0')}`,
      memoryMiB: 98_304,
      cpuMillicores: 8000,
    })),
    guests: Array.from({ length: guests }, (_, index) => ({
      name: `g-${String(index + 1).padStart(5, '0')}`,
      memoryMiB: 2048,
      on: `sim-${String(Math.floor(index / perHost) + 1).padStart(4, '0')}`,
    })),
  });
  return {
    ...inventory,
    // Their cloud-init data are not shown; what is undefined is not in JSON.
    guests: inventory.guests.map((/** @type {any} */ guest) => ({
      ...guest,
      cloudInit: undefined,
      cloudInitBytes: null,
    })),
  };
}

/**
 * @param {any} host
 * @param {readonly any[]} guests
 */
function usageOf(host, guests) {
  return {
    hostId: host.id,
    heardAt: Date.now(),
    capacity: host.capacity,
    cpuMillicores: Math.round(Math.random() * 6000),
    guests: guests.map(({ id, epoch }) => ({
      guestId: id,
      epoch,
      state: 'running',
      usage: {
        cpuMillicores: Math.round(Math.random() * 900),
        cpuDemandMillicores: Math.round(Math.random() * 1000),
        residentMiB: 1024,
        dirtyBytesPerSecond: null,
        diskBytes: null,
        vmmSilentMs: 0,
      },
      heartbeat: null,
      refusal: null,
    })),
  };
}

/**
 * @param {import('../figures.mjs').Context} context
 * @param {{ hosts: number, guests: number }} size
 * @returns {Promise<FleetServer>}
 */
export async function startFleetServer({ root }, size) {
  const rows = rowsOf(size);
  const guestsOn = new Map();
  for (const guest of rows.guests) guestsOn.set(guest.hostId, [...(guestsOn.get(guest.hostId) ?? []), guest]);
  const usageNow = (/** @type {any} */ host) => usageOf(host, guestsOn.get(host.id) ?? []);
  /** @type {Record<string, () => readonly any[]>} */
  const lists = {
    pools: () => rows.pools,
    hosts: () => rows.hosts,
    guests: () => rows.guests,
    images: () => rows.images,
    datastores: () => rows.datastores,
    rules: () => rows.rules,
    usage: () => rows.hosts.map(usageNow),
  };
  const folder = join(root, 'dist/console');
  const readers = new Set();
  let sequence = 0;
  let rate = 0;
  const send = (/** @type {object} */ body) => {
    const id = `bench.1-${(sequence += 1)}`;
    const text = `id: ${id}\ndata: ${JSON.stringify({ id, ...body })}\n\n`;
    for (const reader of readers) reader.write(text);
  };
  // Half of what comes is what a host uses, with all its guests; the other half are guests that change.
  const event = () => {
    const host = rows.hosts[Math.floor(Math.random() * rows.hosts.length)];
    if (sequence % 2 === 0) return send({ kind: 'usage', entity: 'host', row: usageNow(host) });
    const at = Math.floor(Math.random() * rows.guests.length);
    rows.guests[at] = { ...rows.guests[at], stateReason: `looked at ${sequence} events ago` };
    return send({ kind: 'put', entity: 'guest', row: rows.guests[at] });
  };
  let owed = 0;
  const tickMs = 50;
  const timer = setInterval(() => {
    for (owed += (rate * tickMs) / 1000; owed >= 1; owed -= 1) event();
  }, tickMs);
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/api/v1/events/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      response.write(': everything from now on\n\n');
      readers.add(response);
      response.on('close', () => readers.delete(response));
      return;
    }
    if (path === '/api/v1/whoami') return answer(response, { name: 'bench', role: 'administrator', tokenId: 'bench' });
    if (path.startsWith('/api/')) {
      const list = lists[path.replace('/api/v1/', '')];
      return answer(response, { items: list?.() ?? [], nextCursor: null });
    }
    sendFile(response, folder, path);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  closeLater('the server of a large fleet', () => {
    clearInterval(timer);
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve(undefined)));
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${address.port}`, eventsPerSecond: (count) => void (rate = count) };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {unknown} value
 */
function answer(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {string} folder
 * @param {string} path
 */
function sendFile(response, folder, path) {
  const known = readdirSync(join(folder, 'assets'));
  const name = path.startsWith('/assets/') ? path.slice('/assets/'.length) : '';
  const file = known.includes(name) ? join(folder, 'assets', name) : join(folder, 'index.html');
  const type = types[/** @type {keyof typeof types} */ (extname(file))] ?? 'application/octet-stream';
  const isCoded = existsSync(`${file}.br`);
  response.writeHead(200, { 'content-type': type, ...(isCoded ? { 'content-encoding': 'br' } : {}) });
  response.end(readFileSync(isCoded ? `${file}.br` : file));
}
