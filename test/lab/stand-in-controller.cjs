// A controller for the launcher's own tests: it speaks the routes that the launcher calls, places guests in turn, "moves"
// a loaded guest after a moment, and lets a drill meet its objectives unless its folder is told otherwise.
const { createServer } = require('node:http');
const { existsSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const stateFolder = process.env.ARGOSY_STATE_FOLDER;
const file = join(stateFolder, 'rows.json');
const rows = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { pools: [], datastores: [], images: [], guests: [], migrations: [], drills: [], 'join-tokens': [] };
const labFile = join(process.env.ARGOSY_LAB_FOLDER, 'lab.json');
const begin = Date.now();
const save = () => writeFileSync(file, JSON.stringify(rows));
writeFileSync(join(stateFolder, 'token'), 'secret-token', { mode: 0o600 });

const isBeating = (path) => existsSync(path) && Date.now() - statSync(path).mtimeMs < 2000;
const hosts = () =>
  JSON.parse(readFileSync(labFile, 'utf8')).hosts.map(({ host, heartbeatFile }) => ({
    id: host,
    name: host,
    state: isBeating(heartbeatFile) ? 'online' : 'offline',
    stateReason: '',
  }));
// Work is done four times as fast from the move on.
let movedAt = Infinity;
const workOf = () => Date.now() - begin + 3 * Math.max(0, Date.now() - movedAt);
const usage = () =>
  hosts().map(({ id }) => ({
    hostId: id,
    heardAt: Date.now(),
    capacity: { cpuMillicores: 500, memoryMiB: 512 },
    cpuMillicores: 100,
    guests: rows.guests
      .filter((guest) => guest.hostId === id && guest.state === 'running')
      .map((guest) => ({
        guestId: guest.id,
        state: 'running',
        usage: null,
        heartbeat: { count: 1, work: workOf(), at: Date.now(), firstAt: begin },
      })),
  }));

function move(guest) {
  const other = hosts().find(({ id }) => id !== guest.hostId);
  rows.migrations.unshift({
    id: `m${rows.migrations.length}`,
    guestId: guest.id,
    sourceHostId: guest.hostId,
    targetHostId: other.id,
    step: 'done',
    reason: 'crowded',
    downtimeMs: 4,
    guestSeenDowntimeMs: 12,
    failure: null,
    createdAt: Date.now() - 50,
    endedAt: Date.now(),
  });
  guest.hostId = other.id;
  movedAt = Math.min(movedAt, Date.now());
  save();
}

function drill(body) {
  const missed = existsSync(join(stateFolder, 'miss'));
  const phases = Object.entries(body.objectives).map(([name, objectiveMs]) => ({
    name,
    objectiveMs,
    predictedMs: objectiveMs / 2,
    measuredMs: missed ? objectiveMs * 2 : objectiveMs / 2,
    met: !missed,
  }));
  return {
    id: `d${rows.drills.length}`,
    state: 'finished',
    phases,
    outages: [],
    verdict: missed ? 'missed' : 'met',
    explanation: '',
  };
}

const create = {
  pools: (body) => ({ ...body, balance: { automation: 'full' }, network: { subnet: '10.128.0.0/16', gateway: null } }),
  guests: (body) => ({
    ...body,
    desired: 'running',
    state: 'running',
    stateReason: '',
    hostId: `h${(rows.guests.length % 3) + 1}`,
  }),
  drills: drill,
  'join-tokens': () => ({ secret: 'join' }),
};

function act(guest, action, body) {
  if (action === 'console' && /^load [1-9]/.test(body.text)) setTimeout(() => move(guest), 6000);
  if (action === 'start') Object.assign(guest, { desired: 'running', state: 'running' });
  if (action === 'stop') Object.assign(guest, { desired: 'stopped', state: 'stopped' });
  save();
  return guest;
}

function answer(method, path, body) {
  const [collection, name, action] = path.split('?')[0].split('/').slice(3);
  if (method === 'POST' && action)
    return act(
      rows[collection].find((row) => row.name === name),
      action,
      body,
    );
  if (method === 'POST') {
    const row = { id: body.name ?? 'x', ...(create[collection]?.(body) ?? body) };
    rows[collection].push(row);
    save();
    return row;
  }
  if (name) return rows[collection].find((row) => row.id === name);
  const live = { hosts, usage, events: () => [], recommendations: () => [] };
  return { items: live[collection]?.() ?? rows[collection], nextCursor: null };
}

createServer((request, response) => {
  let text = '';
  request.on('data', (data) => (text += data));
  request.on('end', () => {
    if (request.url === '/health') return response.end('{}');
    if (request.headers.authorization !== 'Bearer secret-token') return response.writeHead(401).end('{}');
    response.end(JSON.stringify(answer(request.method, request.url, text ? JSON.parse(text) : {})));
  });
}).listen(Number(process.env.ARGOSY_PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
