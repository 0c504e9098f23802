import { exitNameOf, type ErrorCode, type ExitName } from './exit-status';

/** How a command ends that could not do what it was asked: one sentence, and what to do about it. */
export class Failure extends Error {
  readonly exit: ExitName;

  constructor(
    readonly code: ErrorCode | (string & {}),
    message: string,
    readonly more: {
      readonly advice?: string;
      readonly httpStatus?: number;
      readonly details?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
    this.exit = exitNameOf(code, more.httpStatus);
  }
}

export function usageFailure(message: string, advice = ''): Failure {
  return new Failure('usage', message, { advice });
}

/** What to do, for codes whose message cannot know how this program is called. */
export const adviceFor: Readonly<Record<string, string>> = {
  unauthenticated:
    'Give a token with --token-file or ARGOSY_TOKEN; the first one is in <state folder>/controller/token.',
  forbidden: '"argosy whoami" says whose token this is; an administrator can give a greater role.',
  'unknown-pool': '"argosy pool list" names them all.',
  'unknown-host': '"argosy host list" names them all.',
  'unknown-guest': '"argosy guest list" names them all.',
  'unknown-image': '"argosy image list" names them all.',
  'unknown-datastore': '"argosy datastore list" names them all.',
  'unknown-rule': '"argosy rule list" names them all.',
  'unknown-migration': '"argosy migration list" shows their ids.',
  'unknown-recommendation': '"argosy balance recommendations list" shows their ids.',
  'unknown-drill': '"argosy drill list" shows their ids.',
  'unknown-task': '"argosy task list" shows their ids.',
  'unknown-route': 'The server may be older than this command; "argosy version" compares the two.',
  'incompatible-host': '"argosy guest hosts <guest>" says which hosts take it, and why the others do not.',
  'guest-not-stopped': 'Stop it first: argosy guest stop <guest> --wait.',
  'guest-not-running': 'Start it first: argosy guest start <guest> --wait.',
  'past-switch-over': 'It ends by itself within moments: argosy migration watch <id>.',
  'drill-running': 'One drill at a time: "argosy drill list" shows the one under way.',
  'too-many-migrations': 'Try again when one has ended: argosy migration list --active.',
  'store-unavailable': 'Guests run on without it. Try again when PostgreSQL is back.',
  'queue-unavailable': 'Guests run on without it. Try again when Redis is back.',
  'not-leader': 'Another controller takes over within seconds: try again.',
  internal: "The controller's log says more.",
};
