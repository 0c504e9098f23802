import type { EdgeErrorCode } from '@argosy/contracts/errors';
import type { RefusalCode } from '@argosy/domain/refusal';

/** What a script can tell from the way a command ended. The numbers are stable. */
export const exitStatuses = {
  done: { status: 0, meaning: 'done' },
  refused: { status: 1, meaning: 'refused: what was asked cannot be done now, and the sentence says why' },
  usage: { status: 2, meaning: 'usage: a command, flag or value that does not exist or does not fit' },
  unreachable: {
    status: 3,
    meaning: 'not reachable: no controller answers, nobody leads, or its database or Redis is away',
  },
  forbidden: { status: 4, meaning: 'not authenticated, or the role does not allow it' },
  'not-found': { status: 5, meaning: 'not found' },
  'timed-out': { status: 6, meaning: 'timed out: it may still happen' },
  missed: { status: 7, meaning: 'a drill missed an objective, or a simulated scenario broke an invariant' },
  failed: { status: 8, meaning: 'failed: accepted and begun, and it did not succeed' },
  internal: { status: 9, meaning: 'a fault of Argosy itself' },
  interrupted: { status: 130, meaning: 'interrupted' },
} as const;
export type ExitName = keyof typeof exitStatuses;

/** What goes wrong on this side of the wire. */
export type LocalCode =
  | 'usage'
  | 'unreachable'
  | 'no-server'
  | 'no-answer'
  | 'unexpected-answer'
  | 'unconfirmed'
  | 'no-file'
  | 'no-lab'
  | 'unknown-task'
  | 'timed-out'
  | 'failed'
  | 'interrupted'
  | 'power-refused';
export type ErrorCode = RefusalCode | EdgeErrorCode | LocalCode;

// prettier-ignore
const exitOfCode = {
  usage: 'usage', unconfirmed: 'usage', 'invalid-request': 'usage', 'too-large': 'usage', 'no-file': 'not-found',
  unreachable: 'unreachable', 'no-server': 'unreachable', 'no-lab': 'unreachable', 'unexpected-answer': 'unreachable',
  'store-unavailable': 'unreachable', 'not-leader': 'unreachable', 'queue-unavailable': 'unreachable',
  unauthenticated: 'forbidden', forbidden: 'forbidden', 'method-not-allowed': 'usage', 'unsupported-media-type': 'usage',
  'too-many-requests': 'refused',
  'unknown-pool': 'not-found', 'unknown-host': 'not-found', 'unknown-guest': 'not-found', 'unknown-image': 'not-found',
  'unknown-datastore': 'not-found', 'unknown-snapshot': 'not-found', 'memory-missing': 'refused', 'disk-missing': 'refused', 'is-template': 'refused', 'unknown-rule': 'not-found', 'unknown-migration': 'not-found',
  'unknown-recommendation': 'not-found', 'unknown-drill': 'not-found', 'unknown-simulation': 'not-found', 'unknown-upload': 'not-found', 'unknown-user': 'not-found',
  'unknown-fence-device': 'not-found', 'unknown-alarm': 'not-found', 'unknown-token': 'not-found', 'unknown-task': 'not-found', 'unknown-route': 'not-found',
  'no-answer': 'timed-out', 'timed-out': 'timed-out', 'deadline-passed': 'timed-out', 'vmm-timeout': 'timed-out',
  interrupted: 'interrupted', internal: 'internal',
  failed: 'failed', 'disk-error': 'failed', 'vmm-failed': 'failed', 'guest-boot-failed': 'failed', 'migration-failed': 'failed',
  'migration-not-converging': 'failed', 'target-lost': 'failed', 'source-lost': 'failed', 'fence-failed': 'failed',
  'name-taken': 'refused', 'in-use': 'refused', 'contradicting-rule': 'refused', 'memory-exceeds-every-host': 'refused',
  'subnet-overlaps': 'refused', 'subnet-full': 'refused', 'datastore-not-reached': 'refused',
  'no-host-fits': 'refused', 'not-enough-memory': 'refused', 'not-enough-cpu': 'refused', 'host-not-online': 'refused',
  'host-in-maintenance': 'refused', 'same-host': 'refused', 'rule-violated': 'refused', 'admission-control': 'refused',
  'incompatible-host': 'refused', 'too-many-migrations': 'refused', 'guest-not-running': 'refused',
  'guest-not-stopped': 'refused', 'guest-busy': 'refused', 'past-switch-over': 'refused', 'already-ended': 'refused',
  'drill-running': 'refused', 'roll-running': 'refused', 'no-roll': 'refused', 'stale-epoch': 'refused', 'stale-incarnation': 'refused', 'stale-term': 'refused',
  expired: 'refused', 'guest-exists': 'refused', 'guest-not-here': 'refused', 'image-missing': 'refused',
  'image-corrupt': 'refused', 'image-outside-datastore': 'refused', 'image-locked': 'refused', 'disk-full': 'refused', 'vmm-unsupported': 'refused', 'no-screen': 'refused',
  'limit-unsupported': 'refused', 'not-confirmed': 'refused', 'power-refused': 'refused',
} as const satisfies Record<ErrorCode, ExitName>;

/** A server newer than this program may send a code that it does not know: the answer's HTTP status decides then. */
export function exitNameOf(code: string, httpStatus = 0): ExitName {
  if (Object.hasOwn(exitOfCode, code)) return exitOfCode[code as ErrorCode];
  if (httpStatus === 401 || httpStatus === 403) return 'forbidden';
  if (httpStatus === 404) return 'not-found';
  if (httpStatus === 503) return 'unreachable';
  if (httpStatus === 504) return 'timed-out';
  return httpStatus >= 500 ? 'internal' : 'refused';
}
