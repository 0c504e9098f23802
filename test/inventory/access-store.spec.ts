import { AccessStore, hashSecret } from '@argosy/inventory/access-store';
import { openDatabase } from '@argosy/inventory/database';
import type { PrismaClient } from '@argosy/inventory/generated/client';
import { TestServers } from './servers';

const servers = new TestServers();
let prisma: PrismaClient;
let access: AccessStore;
let now = 1_000_000;

beforeAll(async () => {
  const database = await servers.postgres();
  prisma = openDatabase({ url: database.url });
  access = new AccessStore(prisma, () => now);
});
afterAll(async () => {
  await prisma.$disconnect();
  await servers.stop();
});

test('the first start makes one administrator, also when two controllers start at once', async () => {
  const made = await Promise.all([access.createFirstAdministrator(), access.createFirstAdministrator()]);
  const [token, ...others] = made.filter((each) => each !== null);
  expect(others).toEqual([]);
  expect(await access.authenticate(token?.secret ?? '')).toMatchObject({ name: 'admin', role: 'administrator' });
  expect(await access.createFirstAdministrator()).toBeNull();
});

test('a secret is not in the database', async () => {
  const token = await access.createToken('admin', { description: 'laptop' });
  const rows = JSON.stringify(await prisma.token.findMany(), (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
  expect(rows).toContain('laptop');
  expect(rows).toContain(token?.prefix ?? 'none');
  expect(rows).not.toContain(token?.secret);
});

test('a token ends when it runs out, is revoked, or its user is removed', async () => {
  await access.createUser('eve', 'viewer');
  const brief = await access.createToken('eve', { expiresInMs: 1000 });
  const revoked = await access.createToken('eve');
  const orphan = await access.createToken('eve');
  expect(await access.authenticate(brief?.secret ?? '')).toMatchObject({ name: 'eve', role: 'viewer' });
  now += 1000;
  expect(await access.authenticate(brief?.secret ?? '')).toBeNull();
  expect(await access.revokeToken(revoked?.id ?? '', { userId: 'somebody else' })).toBe(false);
  expect(await access.revokeToken(revoked?.id ?? '')).toBe(true);
  expect(await access.authenticate(revoked?.secret ?? '')).toBeNull();
  expect(await access.removeUser('eve')).toMatchObject({ ok: true, value: { name: 'eve' } });
  expect(await access.authenticate(orphan?.secret ?? '')).toBeNull();
  expect(await access.createToken('eve')).toBeNull();
  expect(await access.authenticate('nonsense')).toBeNull();
});

test('a name is taken once, and the last administrator stays', async () => {
  expect(await access.createUser('admin', 'viewer')).toMatchObject({ ok: false, refusal: { code: 'name-taken' } });
  expect(await access.setRole('admin', 'viewer')).toMatchObject({ ok: false, refusal: { code: 'in-use' } });
  expect(await access.removeUser('admin')).toMatchObject({ ok: false, refusal: { code: 'in-use' } });
  await access.createUser('second', 'administrator');
  const both = await Promise.all([access.removeUser('admin'), access.removeUser('second')]);
  expect(both.filter((result) => result.ok)).toHaveLength(1);
  expect(await access.removeUser('nobody')).toEqual({ ok: true, value: null });
});

const newcomer = (hostName: string, poolName = 'lab', credential = `credential of ${hostName}`) => ({
  hostName,
  poolName,
  credentialHash: hashSecret(credential),
});

test('a one-time join token lets one host in, also when three come at once, and a reusable one any number of its pool', async () => {
  const once = await access.createJoinToken();
  const joined = await Promise.all(['h1', 'h2', 'h3'].map((name) => access.join(once.secret, newcomer(name))));
  expect(joined.sort()).toEqual(['invalid', 'invalid', 'joined']);
  const reusable = await access.createJoinToken({ reusable: true, poolName: 'lab', expiresInMs: 1000 });
  expect(await access.join(reusable.secret, newcomer('h4', 'other'))).toBe('invalid');
  expect(await access.join(reusable.secret, newcomer('h4'))).toBe('joined');
  expect(await access.join(reusable.secret, newcomer('h5'))).toBe('joined');
  expect(await access.hostOfCredential('credential of h4')).toBe('h4');
  now += 1000;
  expect(await access.join(reusable.secret, newcomer('h6'))).toBe('invalid');
});

test('the name of a host that has joined is given to no other, also when two want it at once', async () => {
  const [one, other] = [await access.createJoinToken(), await access.createJoinToken()];
  expect(await access.join(one.secret, newcomer('h4', 'lab', 'an impostor'))).toBe('taken');
  const joined = await Promise.all([
    access.join(one.secret, newcomer('h7', 'lab', 'one')),
    access.join(other.secret, newcomer('h7', 'lab', 'other')),
  ]);
  expect(joined.sort()).toEqual(['joined', 'taken']);
  // The token of whoever was too late is not used up, and that of the first is.
  const later = await Promise.all([one, other].map(({ secret }) => access.join(secret, newcomer('h8'))));
  expect(later.sort()).toEqual(['invalid', 'joined']);
});

test('a join token for a host replaces the credential of this host, and lets in no other', async () => {
  const token = await access.createJoinToken({ hostName: 'h4' });
  expect(await access.join(token.secret, newcomer('h9'))).toBe('invalid');
  expect(await access.join(token.secret, newcomer('h4', 'lab', 'made anew'))).toBe('joined');
  expect(await access.hostOfCredential('credential of h4')).toBeNull();
  expect(await access.hostOfCredential('made anew')).toBe('h4');
  await access.revokeCredential('h4');
  expect(await access.hostOfCredential('made anew')).toBeNull();
});
