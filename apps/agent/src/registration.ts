import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RouteResponse } from '@argosy/contracts/routes';
import { apiPrefix, routes } from '@argosy/contracts/routes';
import { errorBodySchema } from '@argosy/contracts/errors';
import type { FleetClock } from '@argosy/domain/fleet-clock';
import type { HostRegistration } from '@argosy/domain/host-report';
import { writePrivately } from './private-file';

/** A host that was not told its pool leaves that to the controller. */
type Newcomer = Omit<HostRegistration, 'poolName'> & Partial<Pick<HostRegistration, 'poolName'>>;
export type Registered = RouteResponse<'agent.register'>;

/** What will be refused again however often it is asked: the agent ends, and says why. */
export class RegistrationRefused extends Error {}

const requestDeadlineMs = 10_000;
const firstRetryMs = 200;
const longestRetryMs = 5_000;

interface Refuser {
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly leaderUrl: string | null;
}

/** Asks the controller for this start's incarnation and assignments, until it answers. */
export class Registration {
  private readonly credential: Credential;
  private url: string;
  private tried = 0;

  constructor(
    private readonly options: {
      readonly controllerUrls: readonly string[];
      readonly joinToken: string | null;
      readonly stateFolder: string;
      readonly clock: FleetClock;
      readonly say: (message: string) => void;
    },
  ) {
    this.url = this.nextUrl();
    this.credential = openCredential(options);
  }

  async register(registration: Newcomer): Promise<Registered> {
    let waitMs = firstRetryMs;
    for (;;) {
      const answer = await this.ask(registration);
      if ('assignments' in answer) return answer;
      this.options.say(`the controller at ${this.url} did not take this host: ${answer.message} Trying again.`);
      this.url = answer.leaderUrl ?? this.nextUrl();
      await new Promise((resolve) => setTimeout(resolve, answer.leaderUrl ? firstRetryMs : waitMs));
      waitMs = Math.min(longestRetryMs, waitMs * 2);
    }
  }

  /** One that is away must not keep a host from another that leads. */
  private nextUrl(): string {
    const { controllerUrls } = this.options;
    return controllerUrls[this.tried++ % controllerUrls.length] ?? '';
  }

  /**
   * By its credential; and only if the controller does not know that, by the join token, which makes it known. An answer
   * that was lost is no harm: the next question is answered to the credential.
   */
  private async ask(registration: Newcomer): Promise<Registered | Refuser> {
    const { joinToken } = this.options;
    const { secret, wasSent } = this.credential;
    if (wasSent || joinToken === null) {
      const answer = await this.post(secret, registration);
      if (joinToken === null || !isUnknown(answer)) return firmly(answer);
    }
    this.credential.wasSent = true;
    return firmly(await this.post(joinToken, { ...registration, credentialHash: this.credential.hash }));
  }

  private async post(token: string, body: object): Promise<Registered | Refuser> {
    const { clock } = this.options;
    const askedAt = clock.ask();
    let response: Response;
    try {
      response = await fetch(`${this.url}${apiPrefix}${routes['agent.register'].path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(requestDeadlineMs),
      });
      const answer: unknown = await response.json();
      if (response.ok) {
        const registered = routes['agent.register'].response.parse(answer);
        clock.hear(askedAt, registered.assignments.at);
        return registered;
      }
      const { code, message, details } = errorBodySchema.parse(answer);
      const leaderUrl = details?.['leaderUrl'];
      return { status: response.status, code, message, leaderUrl: typeof leaderUrl === 'string' ? leaderUrl : null };
    } catch (error) {
      // Not reachable now, or no controller: it may be starting, or another one leads. That is what the retries are for.
      return { status: 0, code: 'unreachable', message: `It gives no answer (${reasonOf(error)}).`, leaderUrl: null };
    }
  }
}

interface Credential {
  readonly secret: string;
  readonly hash: string;
  /** Whether a controller may know it already. */
  wasSent: boolean;
}

/** The secret by which this host is known, made by itself before it is first told of: no answer can lose it. */
function openCredential(options: { readonly stateFolder: string; readonly joinToken: string | null }): Credential {
  const file = join(options.stateFolder, 'credential');
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (kept === '' && options.joinToken === null)
    throw new RegistrationRefused(
      'There is neither a credential nor ARGOSY_JOIN_TOKEN: make a join token and give it to this agent.',
    );
  const secret = kept || `argosy_agent_${randomBytes(32).toString('base64url')}`;
  if (kept === '') writePrivately(file, secret);
  return { secret, hash: createHash('sha256').update(secret).digest('hex'), wasSent: kept !== '' };
}

function isUnknown(answer: Registered | Refuser): boolean {
  return 'status' in answer && answer.status === 401;
}

/** Throws what will be refused again. 429 and 404 pass: a crowd thins, and the pool may be made yet. */
function firmly(answer: Registered | Refuser): Registered | Refuser {
  if (!('status' in answer)) return answer;
  const { status, code, message } = answer;
  if (status >= 400 && status < 500 && status !== 404 && status !== 429)
    throw new RegistrationRefused(`${message} (${code})`);
  return answer;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
