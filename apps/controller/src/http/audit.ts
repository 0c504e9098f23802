import type { AuditOutcome } from '@argosy/domain/access';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '@argosy/inventory/access-store';
import type { AuditTrail } from '../audit-trail';
import type { RouteConfig } from './gate';

/** What is learnt of a call on its way, by whoever learns it. */
interface Notes {
  /** Whose token it came with, also when this user may not do it. */
  caller?: Caller;
  /** A host that has proved who it is. */
  actor?: string;
  /** Whether the gate let it in. */
  isAdmitted?: boolean;
  code?: string;
  subject?: string;
}

const notes = new WeakMap<FastifyRequest, Notes>();

export function note(request: FastifyRequest, learnt: Notes): void {
  notes.set(request, { ...notes.get(request), ...learnt });
}

/** Something that was made says what it is; nothing else of it is looked at, for some answers hold a secret. */
export function subjectOf(value: unknown): { readonly subject?: string } {
  const { name, id } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name === 'string') return { subject: name };
  return typeof id === 'string' ? { subject: id } : {};
}

function outcomeOf(status: number): AuditOutcome {
  if (status < 400) return 'done';
  if (status === 401 || status === 403) return 'denied';
  return status < 500 ? 'refused' : 'failed';
}

/** A path is a stranger's word: what a terminal or the database would choke on is taken out, and a token put there by mistake. */
function cleaned(text: string): string {
  return text
    .slice(0, 200)
    .replace(/\p{C}/gu, '\uFFFD')
    .replace(/argosy_[a-z]+_.*/, '(a secret)');
}

function pathSubject(request: FastifyRequest): string | undefined {
  const values = Object.values((request.params ?? {}) as Readonly<Record<string, string>>);
  return values.length === 0 ? undefined : values.join('/');
}

const tooMany = 429;
const reads = ['GET', 'HEAD'];

/**
 * Records every call that is to change something, and of the others those that were denied. When the answer is ready,
 * not when it was received: a caller who hangs up has done it all the same.
 */
export function addAudit(
  server: FastifyInstance,
  trail: AuditTrail,
  configOf: (request: FastifyRequest) => RouteConfig | undefined,
): void {
  const recorded = new WeakSet<FastifyRequest>();
  server.addHook('onSend', async (request, reply) => {
    const { name: route, access, isPart = false } = configOf(request) ?? { name: 'unknown', access: 'everyone' };
    const outcome = outcomeOf(reply.statusCode);
    const isOfInterest = outcome === 'denied' || !(reads.includes(request.method) || (isPart && outcome === 'done'));
    if (access === 'everyone' || !isOfInterest || recorded.has(request)) return;
    recorded.add(request);
    const { caller, actor = caller?.name, code, subject = pathSubject(request), isAdmitted } = notes.get(request) ?? {};
    trail.take({
      event: {
        actor: actor ?? null,
        tokenId: caller?.tokenId ?? null,
        address: request.ip,
        method: request.method,
        route,
        subject: subject === undefined ? null : cleaned(subject),
        outcome,
        status: reply.statusCode,
        code: code ?? null,
      },
      // Who joins is let in before anything is proved, and is a stranger until then.
      isAdmitted: isAdmitted === true && actor !== undefined && outcome !== 'denied' && reply.statusCode !== tooMany,
      isStranger: actor === undefined,
      source: caller ? `user ${caller.userId}` : request.ip,
    });
  });
}
