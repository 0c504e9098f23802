import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RouteResponse } from '@argosy/contracts/routes';
import { apiPrefix, routes } from '@argosy/contracts/routes';
import { errorBodySchema } from '@argosy/contracts/errors';
import type { HostRegistration } from '@argosy/domain/host-report';

export type Registered = RouteResponse<'agent.register'>;

/** What will be refused again however often it is asked: the agent ends, and says why. */
export class RegistrationRefused extends Error {}

const requestDeadlineMs = 10_000;
const firstRetryMs = 200;
const longestRetryMs = 5_000;

interface Refuser {
  readonly code: string;
  readonly message: string;
  readonly leaderUrl: string | null;
}

/** Asks the controller for this start's incarnation and assignments, until it answers. */
export class Registration {
  private readonly credentialFile: string;
  private url: string;
  private tried = 0;

  constructor(
    private readonly options: {
      readonly controllerUrls: readonly string[];
      readonly joinToken: string | null;
      readonly stateFolder: string;
      readonly say: (message: string) => void;
    },
  ) {
    this.url = this.nextUrl();
    this.credentialFile = join(options.stateFolder, 'credential');
  }

  async register(registration: HostRegistration): Promise<Registered> {
    let waitMs = firstRetryMs;
    for (;;) {
      const answer = await this.ask(registration);
      if ('assignments' in answer) {
        if (answer.credential !== null) this.keepCredential(answer.credential);
        return answer;
      }
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

  private async ask(registration: HostRegistration): Promise<Registered | Refuser> {
    const credential = this.credential();
    const token = credential ?? this.options.joinToken;
    if (token === null)
      throw new RegistrationRefused(
        'There is neither a credential nor ARGOSY_JOIN_TOKEN: make a join token and give it to this agent.',
      );
    let response: Response;
    try {
      response = await fetch(`${this.url}${apiPrefix}${routes['agent.register'].path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(registration),
        signal: AbortSignal.timeout(requestDeadlineMs),
      });
    } catch (error) {
      // Not reachable now: it may be starting, or another one leads. That is what the retries are for.
      return { code: 'unreachable', message: `It cannot be reached (${reasonOf(error)}).`, leaderUrl: null };
    }
    const body: unknown = await response.json();
    if (response.ok) return routes['agent.register'].response.parse(body);
    const refusal = errorBodySchema.parse(body);
    // The join token was used up and the registration went no further: what it was exchanged for is kept.
    const given = refusal.details?.['credential'];
    if (typeof given === 'string') this.keepCredential(given);
    if (response.status === 401 && credential !== null && this.options.joinToken !== null)
      return this.withJoinToken(refusal.message);
    if (response.status >= 400 && response.status < 500 && response.status !== 404)
      throw new RegistrationRefused(`${refusal.message} (${refusal.code})`);
    const leaderUrl = refusal.details?.['leaderUrl'];
    return {
      code: refusal.code,
      message: refusal.message,
      leaderUrl: typeof leaderUrl === 'string' ? leaderUrl : null,
    };
  }

  /** The credential is of another fleet or was revoked: the join token may still serve. */
  private withJoinToken(message: string): Refuser {
    writeFileSync(this.credentialFile, '', { mode: 0o600 });
    return { code: 'unauthenticated', message, leaderUrl: null };
  }

  private credential(): string | null {
    if (!existsSync(this.credentialFile)) return null;
    return readFileSync(this.credentialFile, 'utf8').trim() || null;
  }

  private keepCredential(credential: string): void {
    writeFileSync(this.credentialFile, credential, { mode: 0o600 });
    chmodSync(this.credentialFile, 0o600);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
