import { mayCall, type Access } from '@argosy/contracts/routes';
import type { Role } from '@argosy/domain/access';
import type { AccessStore, Caller } from '@argosy/inventory/access-store';
import { refuse, type Answer, type CallContext } from './answer';
import { RateLimiter } from './limits';
import type { HttpLimits } from './ports';

/** A host that joins has no user, and proves itself by what its body says as well: its handler looks at that. */
const joiningHost: Caller = { tokenId: '', userId: '', name: 'host', role: 'viewer' };
const howTo =
  'Send a token: "Authorization: Bearer <token>". The first one is in the file "token" of the state folder.';

function secretOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

const tooMany = (waitMs: number) =>
  refuse('too-many-requests', `Too many requests; try again in ${waitMs} ms.`, { retryAfterMs: waitMs });

/** `caller`: whose token it is, also of one who is refused. */
export interface Admission {
  readonly answer: Answer<CallContext>;
  readonly caller?: Caller;
}

export class Authentication {
  private readonly requests: RateLimiter;
  private readonly failures: RateLimiter;

  constructor(
    private readonly access: Pick<AccessStore, 'authenticate'>,
    limits: HttpLimits,
  ) {
    const now = () => performance.now();
    this.requests = new RateLimiter(limits.requestsPerSecond, limits.requestBurst, now);
    this.failures = new RateLimiter(limits.failedLoginsPerSecond, limits.failedLoginBurst, now);
  }

  /** Who calls, if they may. An address that sent too many bad tokens waits before the next one is looked up. */
  async admit(
    call: { readonly authorization: string | undefined; readonly address: string },
    access: Access,
  ): Promise<Admission> {
    const secret = secretOf(call.authorization);
    if (secret === undefined) return { answer: this.admitStranger(call.address) ?? refuse('unauthenticated', howTo) };
    if (this.failures.isEmpty(call.address)) return { answer: tooMany(this.failures.take(call.address) || 1) };
    if (access === 'join') {
      const waitMs = this.requests.take(call.address);
      return { answer: waitMs > 0 ? tooMany(waitMs) : { ok: true, value: { caller: joiningHost, secret } } };
    }
    const caller = await this.access.authenticate(secret);
    if (!caller) {
      this.failed(call.address);
      return { answer: refuse('unauthenticated', `This token is unknown, revoked or has run out. ${howTo}`) };
    }
    return { caller, answer: this.judge(caller, secret, access) };
  }

  /** What everybody may ask, and what nobody may who says nothing of himself, takes time as well. null: they may. */
  admitStranger(address: string): Answer<never> | null {
    const waitMs = this.requests.take(address);
    return waitMs > 0 ? tooMany(waitMs) : null;
  }

  private judge(caller: Caller, secret: string, access: Role): Answer<CallContext> {
    const waitMs = this.requests.take(caller.userId);
    if (waitMs > 0) return tooMany(waitMs);
    if (mayCall(caller.role, access)) return { ok: true, value: { caller, secret } };
    return refuse('forbidden', `This needs the role ${access}; ${caller.name} has the role ${caller.role}.`, {
      needed: access,
      role: caller.role,
    });
  }

  failed(address: string): void {
    this.failures.take(address);
  }
}
