import type { Role, User } from '@argosy/domain/access';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { Instant } from '@argosy/domain/units';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { constraintViolation } from './database';
import type { Prisma, PrismaClient } from './generated/client';
import { fromRow } from './rows';

/** As people see it again: never its secret. */
export interface TokenView {
  readonly id: string;
  readonly userId: string;
  readonly description: string;
  readonly prefix: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly lastUsedAt: Instant | null;
}
export interface JoinTokenView {
  readonly id: string;
  readonly poolName: string | null;
  readonly hostName: string | null;
  readonly description: string;
  readonly prefix: string;
  readonly reusable: boolean;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly usedAt: Instant | null;
}
export type WithSecret<View> = View & { readonly secret: string };

export interface Caller {
  readonly tokenId: string;
  readonly userId: string;
  readonly name: string;
  readonly role: Role;
}

const tokenFields = {
  id: true,
  userId: true,
  description: true,
  prefix: true,
  createdAt: true,
  expiresAt: true,
  lastUsedAt: true,
};
const joinTokenFields = {
  id: true,
  poolName: true,
  hostName: true,
  description: true,
  prefix: true,
  reusable: true,
  createdAt: true,
  expiresAt: true,
  usedAt: true,
};

/** Only the hash is kept: the secret is 256 random bits, so nobody finds it by trying, and no slow hash is needed. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The first letters say what it opens, for people and for scanners that look for leaked secrets. */
function newSecret(kind: 'token' | 'join') {
  const beginning = `argosy_${kind}_`;
  const secret = beginning + randomBytes(32).toString('base64url');
  return { secret, prefix: secret.slice(0, beginning.length + 6), hash: hashSecret(secret) };
}

/** What came of a join; `taken`: a host of this name has joined, and the token is not for it alone. */
export type Joining = 'joined' | 'invalid' | 'taken';
class TakenName extends Error {}

/** As the database gives it: numbers of 8 bytes come as bigint. */
interface TokenOfUser {
  readonly id: string;
  readonly userId: string;
  readonly expiresAt: bigint | null;
  readonly lastUsedAt: bigint | null;
  readonly name: string;
  readonly role: Role;
}

export interface Newcomer {
  readonly hostName: string;
  readonly poolName: string;
  /** Of the secret that the agent made for itself, and by which it is known from now on. */
  readonly credentialHash: string;
}

/** Users, what they prove themselves by, and what agents do. It is no part of the brain's state, and needs no lease. */
export class AccessStore {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly now: () => Instant,
  ) {}

  async users(): Promise<User[]> {
    return (await this.prisma.user.findMany({ orderBy: { name: 'asc' } })).map(fromRow<User>);
  }

  async createUser(name: string, role: Role): Promise<Result<User>> {
    try {
      const user = await this.prisma.user.create({ data: { id: randomUUID(), name, role, createdAt: this.now() } });
      return accepted(fromRow<User>(user));
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      return refused('name-taken', `a user named "${name}" exists already; choose another name`);
    }
  }

  /** null: there is no such user. The last administrator stays one, so that somebody can always come in. */
  async setRole(reference: string, role: Role): Promise<Result<User | null>> {
    return this.changeUser(reference, role === 'administrator', async (transaction, user) => {
      await transaction.user.update({ where: { id: user.id }, data: { role } });
      return { ...user, role };
    });
  }

  async removeUser(reference: string): Promise<Result<User | null>> {
    return this.changeUser(reference, false, async (transaction, user) => {
      await transaction.user.delete({ where: { id: user.id } });
      return user;
    });
  }

  private async changeUser(
    reference: string,
    keepsAdministrator: boolean,
    change: (transaction: Prisma.TransactionClient, user: User) => Promise<User>,
  ): Promise<Result<User | null>> {
    return this.prisma.$transaction(async (transaction): Promise<Result<User | null>> => {
      // One at a time: two administrators who remove each other must not both succeed.
      await transaction.$executeRaw`LOCK TABLE "users" IN SHARE ROW EXCLUSIVE MODE`;
      const found = await transaction.user.findFirst({ where: { OR: [{ id: reference }, { name: reference }] } });
      if (!found) return accepted(null);
      const others = await transaction.user.count({ where: { role: 'administrator', id: { not: found.id } } });
      if (found.role === 'administrator' && !keepsAdministrator && others === 0)
        return refused('in-use', `"${found.name}" is the last administrator; make another one first`);
      return accepted(await change(transaction, fromRow<User>(found)));
    });
  }

  async tokens(filter: { readonly userId?: string } = {}): Promise<TokenView[]> {
    const found = await this.prisma.token.findMany({
      where: filter,
      select: tokenFields,
      orderBy: { createdAt: 'asc' },
    });
    return found.map(fromRow<TokenView>);
  }

  /** `user`: an id or a name. null: there is no such user. */
  async createToken(
    user: string,
    options: { readonly description?: string | undefined; readonly expiresInMs?: number | undefined } = {},
  ): Promise<WithSecret<TokenView> | null> {
    const owner = await this.prisma.user.findFirst({ where: { OR: [{ id: user }, { name: user }] } });
    return owner && this.insertToken(this.prisma, owner.id, options);
  }

  private async insertToken(
    prisma: Prisma.TransactionClient,
    userId: string,
    options: { readonly description?: string | undefined; readonly expiresInMs?: number | undefined },
  ): Promise<WithSecret<TokenView>> {
    const { secret, prefix, hash } = newSecret('token');
    const createdAt = this.now();
    const token = await prisma.token.create({
      data: {
        id: randomUUID(),
        userId,
        description: options.description ?? '',
        prefix,
        hash,
        createdAt,
        expiresAt: options.expiresInMs === undefined ? null : createdAt + options.expiresInMs,
      },
      select: tokenFields,
    });
    return { ...fromRow<TokenView>(token), secret };
  }

  /** false: there is no such token, or (with `userId`) it is somebody else's. */
  async revokeToken(id: string, filter: { readonly userId?: string } = {}): Promise<boolean> {
    const { count } = await this.prisma.token.deleteMany({ where: { id, ...filter } });
    return count > 0;
  }

  /** Whose token this is, or null: unknown, revoked or run out. */
  async authenticate(secret: string): Promise<Caller | null> {
    // One statement, as it is asked for at each call.
    const [token] = await this.prisma.$queryRaw<TokenOfUser[]>`
      SELECT t."id", t."userId", t."expiresAt", t."lastUsedAt", u."name", u."role"
      FROM "tokens" t JOIN "users" u ON u."id" = t."userId" WHERE t."hash" = ${hashSecret(secret)}`;
    const now = this.now();
    if (!token || (token.expiresAt !== null && token.expiresAt <= now)) return null;
    const minuteMs = 60_000;
    // To the minute is enough, and spares a write for each call.
    if (token.lastUsedAt === null || Number(token.lastUsedAt) < now - minuteMs)
      await this.prisma.token.updateMany({ where: { id: token.id }, data: { lastUsedAt: Math.round(now) } });
    return { tokenId: token.id, userId: token.userId, name: token.name, role: token.role };
  }

  /** At the very first start: an administrator with a token. null: there is an administrator already. */
  async createFirstAdministrator(name = 'admin'): Promise<WithSecret<TokenView> | null> {
    return this.prisma.$transaction(async (transaction) => {
      // Two controllers may start at once.
      await transaction.$executeRaw`LOCK TABLE "users" IN SHARE ROW EXCLUSIVE MODE`;
      if ((await transaction.user.count({ where: { role: 'administrator' } })) > 0) return null;
      const user = await transaction.user.upsert({
        where: { name },
        update: { role: 'administrator' },
        create: { id: randomUUID(), name, role: 'administrator', createdAt: this.now() },
      });
      return this.insertToken(transaction, user.id, { description: 'made at the first start' });
    });
  }

  /** What the keys of all hosts are made of; made by the first controller. */
  async fleetSecret(): Promise<string> {
    await this.prisma.fleetSecret.createMany({
      data: [{ name: 'hosts', value: randomBytes(32).toString('base64url') }],
      skipDuplicates: true,
    });
    return (await this.prisma.fleetSecret.findUniqueOrThrow({ where: { name: 'hosts' } })).value;
  }

  async joinTokens(): Promise<JoinTokenView[]> {
    const found = await this.prisma.joinToken.findMany({ select: joinTokenFields, orderBy: { createdAt: 'asc' } });
    return found.map(fromRow<JoinTokenView>);
  }

  async createJoinToken(
    options: {
      readonly poolName?: string | undefined;
      readonly hostName?: string | undefined;
      readonly description?: string | undefined;
      readonly reusable?: boolean | undefined;
      readonly expiresInMs?: number | undefined;
    } = {},
  ): Promise<WithSecret<JoinTokenView>> {
    const { secret, prefix, hash } = newSecret('join');
    const createdAt = this.now();
    const token = await this.prisma.joinToken.create({
      data: {
        id: randomUUID(),
        poolName: options.poolName ?? null,
        hostName: options.hostName ?? null,
        description: options.description ?? '',
        prefix,
        hash,
        reusable: options.reusable ?? false,
        createdAt,
        expiresAt: options.expiresInMs === undefined ? null : createdAt + options.expiresInMs,
      },
      select: joinTokenFields,
    });
    return { ...fromRow<JoinTokenView>(token), secret };
  }

  async revokeJoinToken(id: string): Promise<boolean> {
    return (await this.prisma.joinToken.deleteMany({ where: { id } })).count > 0;
  }

  /** The pool that a join token is for; null: for any, or there is no such token. */
  async poolOfJoinToken(secret: string): Promise<string | null> {
    const found = await this.prisma.joinToken.findUnique({ where: { hash: hashSecret(secret) } });
    return found?.poolName ?? null;
  }

  /**
   * Lets a host in, which is known by its credential from now on. A one-time token is used up by that, once, also when two
   * hosts come with it at the same moment; one that lets nobody in is not used up. The name of a host that has joined is
   * given to nobody else: only a token for this very host replaces its credential.
   */
  async join(secret: string, { hostName, poolName, credentialHash }: Newcomer): Promise<Joining> {
    const now = Math.round(this.now());
    const which = {
      hash: hashSecret(secret),
      AND: [
        { OR: [{ reusable: true }, { usedAt: null }] },
        { OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] },
        { OR: [{ poolName: null }, { poolName }] },
        { OR: [{ hostName: null }, { hostName }] },
      ],
    };
    try {
      return await this.prisma.$transaction(async (transaction): Promise<Joining> => {
        // First, and so that of two with the same token the second waits for the first.
        const { count } = await transaction.joinToken.updateMany({ where: which, data: { usedAt: now } });
        if (count === 0) return 'invalid';
        const isForThisHost = (await transaction.joinToken.count({ where: { hash: which.hash, hostName } })) > 0;
        const row = { hostName, hash: credentialHash, createdAt: now };
        if (isForThisHost) await transaction.agentCredential.upsert({ where: { hostName }, update: row, create: row });
        else if (await this.isTaken(transaction, hostName)) throw new TakenName();
        else await transaction.agentCredential.create({ data: row });
        return 'joined';
      });
    } catch (error) {
      // Taken before, or by another at this moment; what was done of it is undone.
      if (error instanceof TakenName || isUniqueViolation(error)) return 'taken';
      throw error;
    }
  }

  private async isTaken(transaction: Prisma.TransactionClient, hostName: string): Promise<boolean> {
    return (await transaction.agentCredential.count({ where: { hostName } })) > 0;
  }

  /** The name of the host that this credential speaks for, or null. */
  async hostOfCredential(credential: string): Promise<string | null> {
    const found = await this.prisma.agentCredential.findUnique({ where: { hash: hashSecret(credential) } });
    return found?.hostName ?? null;
  }

  async revokeCredential(hostName: string): Promise<void> {
    await this.prisma.agentCredential.deleteMany({ where: { hostName } });
  }
}

function isUniqueViolation(error: unknown): boolean {
  return constraintViolation(error) !== undefined;
}
