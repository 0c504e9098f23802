/**
 * A refusal is a value: what was asked cannot be done, and why. `code` is stable and is what programs look at; `message`
 * says what is wrong, where, and what to write instead. The HTTP status of each code is a table at the edge, and a code
 * that is missing there does not compile.
 */
export const refusalCodes = [
  'invalid-request',
  'unknown-pool',
  'unknown-host',
  'unknown-guest',
  'unknown-image',
  'unknown-datastore',
  'unknown-snapshot',
  'unknown-rule',
  'unknown-migration',
  'unknown-recommendation',
  'unknown-drill',
  'unknown-fence-device',
  'unknown-alarm',
  'name-taken',
  'in-use',
  'subnet-overlaps',
  'subnet-full',
  'contradicting-rule',
  'memory-exceeds-every-host',
  'no-host-fits',
  'not-enough-memory',
  'not-enough-cpu',
  'host-not-online',
  'host-in-maintenance',
  'same-host',
  'rule-violated',
  'admission-control',
  'incompatible-host',
  'too-many-migrations',
  'guest-not-running',
  'guest-not-stopped',
  'guest-busy',
  'is-template',
  'past-switch-over',
  'already-ended',
  'drill-running',
  'roll-running',
  'no-roll',
  'stale-epoch',
  'stale-incarnation',
  'stale-term',
  'expired',
  'guest-exists',
  'guest-not-here',
  'image-missing',
  'image-corrupt',
  'image-outside-datastore',
  'image-locked',
  'memory-missing',
  'disk-missing',
  'datastore-not-reached',
  'disk-full',
  'disk-error',
  'vmm-failed',
  'vmm-timeout',
  'vmm-unsupported',
  'no-screen',
  'guest-boot-failed',
  'migration-failed',
  'migration-not-converging',
  'target-lost',
  'source-lost',
  'limit-unsupported',
  'fence-failed',
  'not-confirmed',
  'store-unavailable',
  'not-leader',
  'queue-unavailable',
  'deadline-passed',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export type Result<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly refusal: Refusal };

export function accepted<Value>(value: Value): Result<Value> {
  return { ok: true, value };
}

export function refused(
  code: RefusalCode,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: details ? { code, message, details } : { code, message } };
}
