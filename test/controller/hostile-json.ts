import { z } from 'zod';
import * as fc from 'fast-check';

/** JSON values of a schema, and what becomes of them when somebody means ill: for tests that look for what breaks. */

type JsonSchema = Readonly<Record<string, unknown>>;

const hostileTexts = [
  '', ' ', '\0', 'a\0b', '\ud800', '\u202e', '..', '/', '/../..', "'; DROP TABLE guests; --", '$(id)', '`id`', 'a,b=c', '%00', '{}',
  '__proto__', 'constructor', 'null', '-1', '1e309', 'x'.repeat(5000), '\u{1f600}', '\r\nset-cookie: a=b', '<script>', 'lab', 'db', 'h1', 'tiny',
]; // prettier-ignore
const hostileNumbers = [0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 53, 2 ** 63, 1e308, -1e308, 5e-324];

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...hostileTexts) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(...hostileNumbers) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(null, true, [], {}, [[]], { a: { b: 1 } }, nested(30), nested(2000)),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
  { weight: 1, arbitrary: fc.jsonValue() },
);

function ofString(schema: JsonSchema): fc.Arbitrary<unknown> {
  const longest = Math.min(Number(schema['maxLength'] ?? 100), 300);
  const names = fc.constantFrom('lab', 'db', 'h1', 'tiny', 'shared', 'web-1', '/srv/argosy/x');
  if (typeof schema['pattern'] === 'string')
    return fc.oneof(
      names,
      fc.stringMatching(new RegExp(schema['pattern'])).filter((text) => text.length < 300),
    );
  return fc.oneof(names, fc.string({ unit: 'grapheme', maxLength: longest }));
}

function ofObject(schema: JsonSchema): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const required = (schema['required'] ?? []) as string[];
  const shape = Object.fromEntries(properties.map(([name, each]) => [name, valueOf(each)]));
  return fc.record(shape, { requiredKeys: required as never[] });
}

/** A value that the schema, as a JSON Schema, describes; what zod adds to it in code may still refuse it. */
export function valueOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (Array.isArray(schema['enum'])) return fc.constantFrom<unknown>(...(schema['enum'] as unknown[]));
  if ('const' in schema) return fc.constant(schema['const']);
  const choices = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
  if (choices) return fc.oneof(...choices.map(valueOf));
  switch (schema['type']) {
    case 'string':
      return ofString(schema);
    case 'integer':
      return fc.maxSafeInteger().map((number) => bounded(number, schema));
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => bounded(number, schema));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valueOf((schema['items'] ?? {}) as JsonSchema), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: 4,
      });
    case 'object':
      return ofObject(schema);
    default:
      return hostileValue;
  }
}

function bounded(number: number, schema: JsonSchema): number {
  const [least, most] = [Number(schema['minimum'] ?? -1e6), Number(schema['maximum'] ?? 1e6)];
  return number >= least && number <= most ? number : least;
}

/** One thing in it, however deep, is something else or gone, or there is one too many. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null) return hostileValue;
  const entries = Object.entries(value);
  const names = [...entries.map(([name]) => name), 'another', '__proto__x'];
  return fc.tuple(fc.constantFrom(...names), hostileValue, fc.boolean()).chain(([name, hostile, isGone]) => {
    if (isGone) return fc.constant(Object.fromEntries(entries.filter(([each]) => each !== name)));
    const now = (value as Record<string, unknown>)[name];
    const inner = typeof now === 'object' && now !== null ? mutated(now) : fc.constant(hostile);
    return inner.map((changed) => ({ ...value, [name]: changed }));
  });
}

/** What a caller may send for this schema: as it should be, one thing wrong in it, or anything. */
export function attemptsAt(schema: z.ZodType | undefined): fc.Arbitrary<unknown> {
  if (!schema) return fc.oneof(fc.constant(undefined), hostileValue);
  const good = valueOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return fc.oneof(
    { weight: 3, arbitrary: good },
    { weight: 4, arbitrary: good.chain(mutated) },
    { weight: 1, arbitrary: hostileValue },
  );
}
