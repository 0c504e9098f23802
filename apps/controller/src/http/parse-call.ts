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

function parse(schema: z.ZodType, value: unknown, what: string): Answer<unknown> {
  const parsed = schema.safeParse(value);
  return parsed.success ? { ok: true, value: parsed.data } : invalidRequest(parsed.error, what);
}

function parseBody(schema: z.ZodType | undefined, body: unknown): Answer<unknown> {
  if (schema) return parse(schema, body, 'body');
  const isEmpty = body === undefined || body === null || JSON.stringify(body) === '{}';
  return isEmpty
    ? { ok: true, value: undefined }
    : refuse('invalid-request', 'This takes no body; send it without one.');
}
