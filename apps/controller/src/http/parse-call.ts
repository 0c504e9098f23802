import { invalidRequest } from '@argosy/contracts/errors';
import { strictBody } from '@argosy/contracts/fields';
import type { Route } from '@argosy/contracts/routes';
import type { z } from 'zod';
import { refuse, type Answer } from './answer';

export interface RawCall {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

const nothing = strictBody({});

/** A body whose fields are all optional may be left out. */
export function isBodyRequired(schema: z.ZodType): boolean {
  return !schema.safeParse({}).success;
}

/** Parses a call by its route's schemas. What is wrong with its parameters is said before what is wrong with its body. */
export function parserOf(route: Route): (raw: RawCall) => Answer<RawCall> {
  const isOptional = route.body !== undefined && !isBodyRequired(route.body);
  return (raw) => {
    const params = parse(route.params ?? nothing, raw.params, 'path');
    if (!params.ok) return params;
    const query = parse(route.query ?? nothing, raw.query, 'query');
    if (!query.ok) return query;
    const body = parseBody(route.body, isOptional && raw.body === undefined ? {} : raw.body);
    if (!body.ok) return body;
    return { ok: true, value: { params: params.value, query: query.value, body: body.value } };
  };
}

/** NUL, and halves of characters outside of Unicode's first plane, which no database keeps. */
const unstorable = /[\0\p{Surrogate}]/u;
const deepest = 20;

/** What no schema has to look at by itself: where it is, and what is wrong with it. Nesting is bounded, so this may recurse. */
function faultIn(value: unknown, path: string, depth = 0): string | null {
  if (typeof value === 'string')
    return unstorable.test(value) ? `${path} must not contain NUL or half of a surrogate pair` : null;
  if (typeof value !== 'object' || value === null) return null;
  if (depth === deepest) return `${path} is nested too deeply; ${deepest} levels are taken at most`;
  for (const [key, inner] of Object.entries(value)) {
    const where = depth === 0 ? key : `${path}.${key}`;
    const fault = unstorable.test(key) ? `${path} has a name with NUL in it` : faultIn(inner, where, depth + 1);
    if (fault) return fault;
  }
  return null;
}

function parse(schema: z.ZodType, value: unknown, what: string): Answer<unknown> {
  const fault = faultIn(value, `the ${what}`);
  if (fault) return refuse('invalid-request', fault.slice(0, 300));
  const parsed = schema.safeParse(value);
  return parsed.success ? { ok: true, value: parsed.data } : invalidRequest(parsed.error, what);
}

const isBare = (value: object): boolean => Object.keys(value).length === 0;

function parseBody(schema: z.ZodType | undefined, body: unknown): Answer<unknown> {
  if (schema) return parse(schema, body, 'body');
  const isEmpty =
    body === undefined || body === null || (typeof body === 'object' && !Array.isArray(body) && isBare(body));
  return isEmpty
    ? { ok: true, value: undefined }
    : refuse('invalid-request', 'This takes no body; send it without one.');
}
