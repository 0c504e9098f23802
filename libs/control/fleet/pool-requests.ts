import { type Host, isGuestRule, type Pool, type Rule } from '@argosy/domain/entities';
import { type Datastore, type Image } from '@argosy/domain/storage';
import type { FleetRequest, NewImage, NewRule, PoolSettings } from '@argosy/domain/fleet-request';
import { checkImageFiles } from '@argosy/domain/image-files';
import { freeSubnet, isHostAddress, overlap } from '@argosy/domain/network';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { defaultBalance, defaultFailure, defaultMigration, defaultPower } from '../defaults';
import { find, findAll, nameTaken } from './lookup';
import { clearAlarm, type FleetTurn, put, record, remove } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

export function createPool(turn: FleetTurn, { name, settings }: Of<'pool.create'>): Result<Pool> {
  const free = nameTaken(turn, 'pool', name);
  if (!free.ok) return free;
  const subnet =
    settings?.network?.subnet ?? freeSubnet([...turn.fleet.pools.values()].map((pool) => pool.network.subnet));
  if (subnet === null)
    return refused(
      'subnet-full',
      `All subnets that Argosy gives away by itself are taken: give pool ${name} a subnet.`,
    );
  const base: Pool = {
    id: turn.fleet.newId(),
    name,
    balance: defaultBalance,
    migration: defaultMigration,
    failure: defaultFailure,
    power: defaultPower,
    network: { subnet, gateway: null },
    isolationResponse: 'keep-running',
    createdAt: turn.now,
  };
  const pool = withSettings(base, settings);
  const fault = networkFault(turn, pool);
  if (!fault.ok) return fault;
  const shares = sharesFault(pool);
  if (!shares.ok) return shares;
  put(turn, 'pool', pool);
  record(turn, { code: 'pool-created', subject: ['pool', pool.id], message: `Pool ${name} was made.` });
  return accepted(pool);
}

function withSettings(pool: Pool, settings: PoolSettings = {}): Pool {
  return {
    ...pool,
    balance: { ...pool.balance, ...settings.balance },
    migration: { ...pool.migration, ...settings.migration },
    failure: { ...pool.failure, ...settings.failure },
    power: { ...pool.power, ...settings.power },
    network: { ...pool.network, ...settings.network },
    isolationResponse: settings.isolationResponse ?? pool.isolationResponse,
  };
}

export function updatePool(turn: FleetTurn, request: Of<'pool.update'>): Result<Pool> {
  const found = find(turn, 'pool', request.pool);
  if (!found.ok) return found;
  const name = request.name ?? found.value.name;
  const free = nameTaken(turn, 'pool', name, found.value.id);
  if (!free.ok) return free;
  const pool = withSettings({ ...found.value, name }, request.settings);
  if (pool.failure.failedAfterMs < pool.failure.suspectAfterMs)
    return refused(
      'invalid-request',
      `failure.failedAfterMs (${pool.failure.failedAfterMs}) must not be below failure.suspectAfterMs (${pool.failure.suspectAfterMs}).`,
    );
  const fault = networkFault(turn, pool);
  if (!fault.ok) return fault;
  const shares = sharesFault(pool);
  if (!shares.ok) return shares;
  put(turn, 'pool', pool);
  record(turn, {
    code: 'pool-updated',
    subject: ['pool', pool.id],
    message: `The settings of pool ${pool.name} were changed.`,
    details: { settings: request.settings ?? {} },
  });
  return accepted(pool);
}

/** A host that is switched off at a load at which another is switched on would be the next one on. */
function sharesFault({ power: { offShare, onShare } }: Pool): Result<null> {
  if (offShare < onShare) return accepted(null);
  return refused(
    'invalid-request',
    `power.offShare (${offShare}) must be below power.onShare (${onShare}): hosts are switched off below the one, and on above the other.`,
  );
}

/** Guests keep their addresses for life, and an address means one guest in the whole fleet. */
function networkFault(turn: FleetTurn, { id, name, network: { subnet, gateway } }: Pool): Result<null> {
  for (const other of turn.fleet.pools.values())
    if (other.id !== id && overlap(subnet, other.network.subnet))
      return refused(
        'subnet-overlaps',
        `network.subnet ${subnet} overlaps ${other.network.subnet} of pool ${other.name}: choose one beside it.`,
      );
  if (gateway !== null && !isHostAddress(subnet, gateway))
    return refused('invalid-request', `network.gateway ${gateway} is no address of a machine in ${subnet}.`);
  for (const guest of turn.fleet.guests.values()) {
    if (guest.poolId !== id) continue;
    if (!isHostAddress(subnet, guest.address))
      return refused(
        'in-use',
        `Guest ${guest.name} of pool ${name} has the address ${guest.address}, which is not in ${subnet}: a guest keeps its address for life.`,
      );
    if (guest.address === gateway)
      return refused('in-use', `network.gateway ${gateway} is the address of guest ${guest.name}: choose another.`);
  }
  return accepted(null);
}

export function removePool(turn: FleetTurn, request: Of<'pool.remove'>): Result<null> {
  const found = find(turn, 'pool', request.pool);
  if (!found.ok) return found;
  const { id, name } = found.value;
  const users = [...turn.fleet.hosts.values(), ...turn.fleet.guests.values()].filter((each) => each.poolId === id);
  if (users.length > 0)
    return refused(
      'in-use',
      `Pool ${name} still has ${users.length} hosts or guests (${users[0]!.name} …); remove or move them first.`,
    );
  for (const rule of [...turn.fleet.rules.values()]) if (rule.poolId === id) remove(turn, 'rule', rule.id);
  for (const roll of [...turn.fleet.rolls.values()]) if (roll.poolId === id) remove(turn, 'roll', roll.id);
  for (const code of ['roll-failed', 'roll-waits', 'too-few-hosts']) clearAlarm(turn, code, id);
  remove(turn, 'pool', id);
  record(turn, { code: 'pool-removed', subject: ['pool', id], message: `Pool ${name} was removed.` });
  return accepted(null);
}

export function createImage(turn: FleetTurn, { image: wanted }: Of<'image.create'>): Result<Image> {
  const free = nameTaken(turn, 'image', wanted.name);
  if (!free.ok) return free;
  const datastore = wanted.datastore === undefined ? onlyDatastore(turn) : find(turn, 'datastore', wanted.datastore);
  if (!datastore.ok) return datastore;
  const missing = missingPath(wanted);
  if (missing) return refused('invalid-request', missing);
  const files = checkImageFiles(wanted, datastore.value.path);
  if (!files.ok) return files;
  const image: Image = {
    id: turn.fleet.newId(),
    name: wanted.name,
    format: wanted.format,
    architecture: wanted.architecture ?? 'x86_64',
    firmware: wanted.firmware ?? (wanted.format === 'kernel' ? 'none' : 'bios'),
    kernelPath: wanted.kernelPath ?? null,
    initrdPath: wanted.initrdPath ?? null,
    kernelArguments: wanted.kernelArguments ?? null,
    diskPath: wanted.diskPath ?? null,
    datastoreId: datastore.value.id,
    minimumMemoryMiB: wanted.minimumMemoryMiB ?? 32,
    createdAt: turn.now,
  };
  put(turn, 'image', image);
  record(turn, {
    code: 'image-created',
    subject: ['image', image.id],
    message: `Image ${image.name} (${image.format}) is known.`,
  });
  return accepted(image);
}

function missingPath(image: NewImage): string | null {
  if (image.format === 'kernel') return image.kernelPath ? null : 'An image of format kernel needs kernelPath.';
  return image.diskPath ? null : `An image of format ${image.format} needs diskPath.`;
}

function onlyDatastore(turn: FleetTurn): Result<Datastore> {
  const all = [...turn.fleet.datastores.values()];
  if (all.length === 1) return accepted(all[0]!);
  return refused(
    'unknown-datastore',
    all.length === 0
      ? 'There is no datastore yet; make one first.'
      : `Name the datastore: there are ${all.length} (${all.map((each) => each.name).join(', ')}).`,
  );
}

export function removeImage(turn: FleetTurn, request: Of<'image.remove'>): Result<null> {
  const found = find(turn, 'image', request.image);
  if (!found.ok) return found;
  const user = [...turn.fleet.guests.values()].find((guest) => guest.imageId === found.value.id);
  if (user)
    return refused('in-use', `Image ${found.value.name} is used by guest ${user.name}; remove its guests first.`);
  remove(turn, 'image', found.value.id);
  record(turn, {
    code: 'image-removed',
    subject: ['image', found.value.id],
    message: `Image ${found.value.name} was removed.`,
  });
  return accepted(null);
}

export function createRule(turn: FleetTurn, { rule: wanted }: Of<'rule.create'>): Result<Rule> {
  const pool = find(turn, 'pool', wanted.pool);
  if (!pool.ok) return pool;
  const free = nameTaken(turn, 'rule', wanted.name);
  if (!free.ok) return free;
  const guests = findAll(turn, 'guest', wanted.guests);
  if (!guests.ok) return guests;
  const hosts = findAll(turn, 'host', wanted.hosts ?? []);
  if (!hosts.ok) return hosts;
  const shape = misshapen(wanted);
  if (shape) return refused('invalid-request', shape);
  const stranger = [...guests.value, ...hosts.value].find((each) => each.poolId !== pool.value.id);
  if (stranger)
    return refused('invalid-request', `${stranger.name} is not in pool ${pool.value.name}: a rule speaks of one pool.`);
  const rule: Rule = {
    id: turn.fleet.newId(),
    name: wanted.name,
    poolId: pool.value.id,
    kind: wanted.kind,
    guestIds: [...new Set(guests.value.map((each) => each.id))],
    hostIds: [...new Set(hosts.value.map((each) => each.id))],
    createdAt: turn.now,
  };
  const contradiction = contradicts(turn, rule);
  if (contradiction) return refused('contradicting-rule', contradiction);
  put(turn, 'rule', rule);
  record(turn, {
    code: 'rule-created',
    subject: ['rule', rule.id],
    message: `Rule ${rule.name} (${rule.kind}) holds from now on.`,
  });
  return accepted(rule);
}

function misshapen(rule: NewRule): string | null {
  const amongGuests = isGuestRule(rule.kind);
  if (amongGuests && new Set(rule.guests).size < 2) return `A rule of kind ${rule.kind} needs at least two guests.`;
  if (amongGuests && (rule.hosts ?? []).length > 0)
    return `A rule of kind ${rule.kind} speaks of guests only; leave hosts out.`;
  if (!amongGuests && (rule.guests.length === 0 || (rule.hosts ?? []).length === 0))
    return `A rule of kind ${rule.kind} needs guests and hosts.`;
  return null;
}

/** Two rules of which no placement can keep both. */
function contradicts(turn: FleetTurn, rule: Rule): string | null {
  const hosts = [...turn.fleet.hosts.values()].filter((host) => host.poolId === rule.poolId);
  if (rule.kind === 'apart' && hosts.length > 0 && rule.guestIds.length > hosts.length)
    return `Rule ${rule.name} wants ${rule.guestIds.length} guests apart, and the pool has ${hosts.length} hosts.`;
  for (const other of turn.fleet.rules.values()) {
    if (other.poolId !== rule.poolId) continue;
    const shared = rule.guestIds.filter((id) => other.guestIds.includes(id));
    if (shared.length === 0) continue;
    const kinds = [rule.kind, other.kind];
    if (kinds.includes('together') && kinds.includes('apart') && shared.length > 1)
      return against(turn, rule, other, shared);
    const spread = [rule, other].find((each) => each.kind === 'spread');
    if (spread && kinds.includes('together') && shared.length > mostInDomain(spread, hosts))
      return against(turn, rule, other, shared);
    const must = [rule, other].find((each) => each.kind === 'must-run-on');
    const mustNot = [rule, other].find((each) => each.kind === 'must-not-run-on');
    if (must && mustNot && must.hostIds.every((id) => mustNot.hostIds.includes(id)))
      return against(turn, rule, other, shared);
    if (kinds.every((kind) => kind === 'must-run-on') && !rule.hostIds.some((id) => other.hostIds.includes(id)))
      return against(turn, rule, other, shared);
  }
  return null;
}

/** A host of no failure domain is one by itself. */
function mostInDomain(rule: Rule, hosts: readonly Host[]): number {
  const domains = new Set(hosts.map(({ id, failureDomain }) => failureDomain ?? `host ${id}`));
  return Math.ceil(rule.guestIds.length / Math.max(1, domains.size));
}

function against(turn: FleetTurn, rule: Rule, other: Rule, shared: readonly string[]): string {
  const names = shared.map((id) => turn.fleet.guests.get(id)?.name ?? id).join(', ');
  return `Rule ${rule.name} (${rule.kind}) contradicts rule ${other.name} (${other.kind}) for ${names}: no placement keeps both. Remove ${other.name} first, or leave those guests out.`;
}

export function removeRule(turn: FleetTurn, request: Of<'rule.remove'>): Result<null> {
  const found = find(turn, 'rule', request.rule);
  if (!found.ok) return found;
  remove(turn, 'rule', found.value.id);
  record(turn, {
    code: 'rule-removed',
    subject: ['rule', found.value.id],
    message: `Rule ${found.value.name} was removed.`,
  });
  return accepted(null);
}
