/* global document, requestAnimationFrame */
import { element, follow, list, onSignIn, say } from './client.js';

const rows = { host: new Map(), guest: new Map(), pool: new Map(), migration: new Map() };
const usage = new Map();
let events = [];
let following;

const ends = new Set(['done', 'failed', 'cancelled', 'refused']);
const good = new Set(['online', 'running']);
const bad = new Set(['failed', 'fenced', 'fencing']);
const quiet = new Set(['stopped', 'offline', 'none']);
const kindOf = (state) => (good.has(state) ? 'good' : bad.has(state) ? 'bad' : quiet.has(state) ? 'dim' : 'warn');

const byName = (left, right) => left.name.localeCompare(right.name, 'en', { numeric: true });
const nameOf = (entity, id) => (id === null ? '' : (rows[entity].get(id)?.name ?? id));
const cell = (text, className = '') => element('td', { className }, String(text ?? ''));
const number = (value) => cell(value === undefined || value === null ? '' : Math.round(value), 'number');
const state = (row) => cell(row.state, kindOf(row.state));
const time = (at) => new Date(at).toLocaleTimeString();

function table(id, headings, lines) {
  const head = headings.map((heading) =>
    element('th', { className: heading.startsWith('#') ? 'number' : '', scope: 'col' }, heading.replace('#', '')),
  );
  const body = lines.map((cells) => element('tr', {}, ...cells));
  const none = element('tr', {}, element('td', { colSpan: headings.length, className: 'dim' }, 'none'));
  document
    .querySelector(id)
    .replaceChildren(
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...(body.length > 0 ? body : [none])),
    );
}

function seenGuest(guest) {
  return usage.get(guest.hostId)?.guests.find(({ guestId }) => guestId === guest.id);
}

function draw() {
  const hosts = [...rows.host.values()].sort(byName);
  const guests = [...rows.guest.values()].sort(byName);
  table(
    '#hosts',
    ['Name', 'Pool', 'State', 'Maintenance', '#Processor used (millicores)', '#of', '#Memory (MiB)', '#Guests', 'Why'],
    hosts.map((host) => [
      cell(host.name),
      cell(nameOf('pool', host.poolId)),
      state(host),
      cell(host.maintenance === 'none' ? '' : host.maintenance, 'warn'),
      number(usage.get(host.id)?.cpuMillicores),
      number(host.capacity.cpuMillicores),
      number(host.capacity.memoryMiB),
      number(guests.filter(({ hostId }) => hostId === host.id).length),
      cell(host.stateReason, 'wide dim'),
    ]),
  );
  table(
    '#guests',
    ['Name', 'State', 'Host', '#Memory (MiB)', '#Processor used (millicores)', '#Wanted', '#Heartbeats', 'Why'],
    guests.map((guest) => {
      const seen = seenGuest(guest);
      return [
        cell(guest.name),
        state(guest),
        cell(nameOf('host', guest.hostId)),
        number(guest.memoryMiB),
        number(seen?.usage?.cpuMillicores),
        number(seen?.usage?.cpuDemandMillicores),
        number(seen?.heartbeat?.count),
        cell(guest.stateReason, 'wide dim'),
      ];
    }),
  );
  table(
    '#migrations',
    ['Guest', 'From', 'To', 'Step', '#Copied (MiB)', '#Left (MiB)', 'Why'],
    [...rows.migration.values()].map((migration) => [
      cell(nameOf('guest', migration.guestId)),
      cell(nameOf('host', migration.sourceHostId)),
      cell(nameOf('host', migration.targetHostId)),
      cell(migration.step),
      number(migration.progress && migration.progress.transferredBytes / 1048576),
      number(migration.progress && migration.progress.remainingBytes / 1048576),
      cell(migration.reason, 'wide dim'),
    ]),
  );
  table(
    '#events',
    ['When', 'Who', 'What'],
    events.map(({ at, actor, message, severity }) => [
      cell(time(at)),
      cell(actor),
      cell(message, `wide ${{ warning: 'warn', error: 'bad' }[severity] ?? ''}`),
    ]),
  );
}

// Changes come in bursts; the page is drawn once for each frame at most.
let isDrawing = false;
function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    draw();
  });
}

async function readAll() {
  const paths = { pool: '/pools', host: '/hosts', guest: '/guests', migration: '/migrations?active=true' };
  for (const [entity, path] of Object.entries(paths)) {
    const found = await list(path);
    rows[entity].clear();
    for (const row of found) rows[entity].set(row.id, row);
  }
  for (const each of await list('/usage')) usage.set(each.hostId, each);
  events = await list('/events?limit=15');
  say('live');
  drawSoon();
}

function take({ kind, entity, row }) {
  if (kind === 'reset') void readAll().catch((error) => say(error.message));
  if (kind === 'put' && rows[entity]) rows[entity].set(row.id, row);
  if (kind === 'remove' && rows[entity]) rows[entity].delete(row.id);
  if (entity === 'migration' && ends.has(row.step)) rows.migration.delete(row.id);
  if (kind === 'usage') usage.set(row.hostId, row);
  if (kind === 'record') events = [row, ...events].slice(0, 15);
  drawSoon();
}

async function followForEver(signal) {
  while (!signal.aborted) {
    try {
      // What comes while everything is read waits in the stream, so nothing between the two is missed.
      await follow({ signal, opened: readAll, message: take });
    } catch (error) {
      if (signal.aborted) return;
      say(error.isFinal ? error.message : `${error.message}; trying again`);
      if (error.isFinal) return;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

onSignIn(() => {
  following?.abort();
  following = new AbortController();
  say('connecting');
  void followForEver(following.signal);
});
