import { refused, type Refusal, type RefusalCode } from '@argosy/domain/refusal';
import { z } from 'zod';

/** What only the HTTP edge refuses: no rule of the fleet speaks of these. */
export const edgeErrorStatus = {
  unauthenticated: 401,
  forbidden: 403,
  'unknown-user': 404,
  'unknown-token': 404,
  'unknown-task': 404,
  'unknown-simulation': 404,
  'unknown-upload': 404,
  'unknown-route': 404,
  'method-not-allowed': 405,
  'too-large': 413,
  'unsupported-media-type': 415,
  'too-many-requests': 429,
  internal: 500,
} as const;
export type EdgeErrorCode = keyof typeof edgeErrorStatus;

/** The status of each refusal; a code that is missing here does not compile. */
export const refusalStatus = {
  'invalid-request': 400,
  'unknown-pool': 404,
  'unknown-host': 404,
  'unknown-guest': 404,
  'unknown-image': 404,
  'unknown-datastore': 404,
  'unknown-snapshot': 404,
  'unknown-rule': 404,
  'unknown-migration': 404,
  'unknown-recommendation': 404,
  'unknown-drill': 404,
  'unknown-fence-device': 404,
  'unknown-alarm': 404,
  'name-taken': 409,
  'in-use': 409,
  'subnet-overlaps': 409,
  'subnet-full': 409,
  'contradicting-rule': 409,
  'memory-exceeds-every-host': 422,
  'no-host-fits': 409,
  'not-enough-memory': 409,
  'not-enough-cpu': 409,
  'host-not-online': 409,
  'host-in-maintenance': 409,
  'same-host': 422,
  'rule-violated': 409,
  'admission-control': 409,
  'incompatible-host': 422,
  'too-many-migrations': 429,
  'guest-not-running': 409,
  'guest-not-stopped': 409,
  'guest-busy': 409,
  'is-template': 409,
  'past-switch-over': 409,
  'already-ended': 409,
  'drill-running': 409,
  'roll-running': 409,
  'no-roll': 409,
  'stale-epoch': 409,
  'stale-incarnation': 409,
  'stale-term': 409,
  expired: 409,
  'guest-exists': 409,
  'guest-not-here': 409,
  'image-missing': 422,
  'image-corrupt': 422,
  'image-outside-datastore': 422,
  'image-locked': 409,
  'memory-missing': 409,
  'disk-missing': 409,
  'datastore-not-reached': 409,
  'disk-full': 507,
  'disk-error': 502,
  'vmm-failed': 502,
  'vmm-timeout': 504,
  'vmm-unsupported': 422,
  'no-screen': 409,
  'guest-boot-failed': 502,
  'migration-failed': 502,
  'migration-not-converging': 409,
  'target-lost': 502,
  'source-lost': 502,
  'limit-unsupported': 422,
  'fence-failed': 502,
  'not-confirmed': 409,
  'store-unavailable': 503,
  'not-leader': 503,
  'queue-unavailable': 503,
  'deadline-passed': 504,
} as const satisfies Record<RefusalCode, number>;

export const errorBodySchema = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).exactOptional(),
});
export type ErrorBody = z.output<typeof errorBodySchema>;

/** One sentence for each thing that is wrong with what was sent: "memoryMiB must be a whole number from 16 to …". */
export function invalidRequest(error: z.ZodError, what: string): { readonly ok: false; readonly refusal: Refusal } {
  const issues = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const sentences = issues.map(({ path, message }) => (path ? `${path} ${message}` : `the ${what} ${message}`));
  return refused('invalid-request', sentences.join('; '), { issues });
}
