import { parseAddress, parseSubnet } from '@argosy/domain/network';
import { z } from 'zod';

/** What a name may be: it stands in URLs, on command lines and in guests' host names. */
const namePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const nameField = z
  .string({ error: 'must be text' })
  .regex(
    namePattern,
    'must be 1 to 63 lower-case letters, digits and hyphens, and begin and end with a letter or digit, like "web-1"',
  );

/** An entity in a request: its id or its name. */
export const referenceField = z
  .string({ error: 'must be an id or a name' })
  .min(1, 'must be an id or a name, and is empty')
  .max(200, 'must be an id or a name of at most 200 characters');

export function textField(maximumLength: number) {
  return z.string({ error: 'must be text' }).max(maximumLength, `must be at most ${maximumLength} characters`);
}

export function wholeNumber(minimum: number, maximum: number, unit = '') {
  const rule = `must be a whole number from ${minimum} to ${maximum}${unit && ` ${unit}`}`;
  return z.int({ error: rule }).min(minimum, rule).max(maximum, rule);
}

export function share(minimum: number, maximum: number) {
  const rule = `must be a number from ${minimum} to ${maximum}`;
  return z.number({ error: rule }).min(minimum, rule).max(maximum, rule);
}

export const flagField = z.boolean({ error: 'must be true or false' });

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

/** A path on a host: absolute, and with no step upwards that could leave a datastore. */
export const pathField = textField(4096)
  .regex(/^\//, 'must be an absolute path, beginning with /')
  .refine((path) => !path.split('/').includes('..'), 'must not contain a ".." step');

export const addressRule = 'must be an IPv4 address, like 10.20.0.1';
export const addressField = z.string({ error: addressRule }).refine((text) => parseAddress(text) !== null, addressRule);

const subnetRule = 'must be an IPv4 network of /8 to /29 with no bit set behind its prefix, like 10.20.0.0/16';
export const subnetField = z.string({ error: subnetRule }).refine((text) => parseSubnet(text) !== null, subnetRule);

/** An object whose unknown keys are refused by name, together with the names that it has. */
export function strictBody<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') {
        const unknown = (issue.keys ?? []).map((key) => `"${key}"`).join(', ');
        return `${unknown} is not known here; the fields are ${known || 'none'}`;
      }
      if (issue.code === 'invalid_type') return `must be an object with the fields ${known || 'none'}`;
      return undefined;
    },
  });
}

/** A number in a query string. */
export function queryNumber(minimum: number, maximum: number) {
  const rule = `must be a whole number from ${minimum} to ${maximum}`;
  return z.coerce.number({ error: rule }).int(rule).min(minimum, rule).max(maximum, rule);
}

export const queryFlag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true');

/** An instant in a query string: ISO 8601 with its zone, or milliseconds since 1970. Becomes milliseconds. */
export const queryInstant = z.string({ error: 'must be given once' }).transform((text, context): number => {
  const zoned = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:?\d\d)$/.test(text);
  const instant = /^\d{1,15}$/.test(text) ? Number(text) : zoned ? Date.parse(text) : NaN;
  if (Number.isFinite(instant)) return instant;
  context.addIssue('must be an instant like 2026-03-01T14:05:00Z, or milliseconds since 1970');
  return z.NEVER;
});

/** Of an unbounded list: `cursor` is the `nextCursor` of the page before. */
const cursorRule = 'must be the nextCursor of an earlier page';
export const pageQuery = {
  limit: queryNumber(1, 1000).default(100).describe('How many items a page has at most.'),
  cursor: z
    .string({ error: cursorRule })
    .max(200, cursorRule)
    .optional()
    .describe('The nextCursor of the page before; without it, the first page.'),
};
