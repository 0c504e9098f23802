import { edgeErrorStatus, refusalStatus, type EdgeErrorCode, type ErrorBody } from '@argosy/contracts/errors';
import type { RouteInput, RouteName, RouteResponse } from '@argosy/contracts/routes';
import type { RefusalCode } from '@argosy/domain/refusal';
import type { Caller } from '@argosy/inventory/access-store';

/** A refusal of the fleet, or one that only the HTTP edge knows. */
export interface EdgeRefusal {
  readonly code: RefusalCode | EdgeErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}
export type Refused = { readonly ok: false; readonly refusal: EdgeRefusal };
export type Answer<Value> = { readonly ok: true; readonly value: Value } | Refused;

const statusOfCode: Readonly<Record<RefusalCode | EdgeErrorCode, number>> = { ...refusalStatus, ...edgeErrorStatus };

export function refuse(
  code: RefusalCode | EdgeErrorCode,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): Refused {
  return { ok: false, refusal: details ? { code, message, details } : { code, message } };
}

export function statusOf(refusal: EdgeRefusal): number {
  return statusOfCode[refusal.code];
}

export function errorBody({ code, message, details }: EdgeRefusal): ErrorBody {
  return details ? { code, message, details } : { code, message };
}

/** As a schema gives it, but nobody may change it: the domain's rows go out as they are. */
export type Frozen<Type> = Type extends readonly (infer Element)[]
  ? readonly Frozen<Element>[]
  : Type extends object
    ? { readonly [Key in keyof Type]: Frozen<Type[Key]> }
    : Type;

/** Who calls. A host that joins has no user: its name is the host's, and its `secret` is still to be looked at. */
export interface CallContext {
  readonly caller: Caller;
  readonly secret: string;
}

type ResponseOf<Name extends RouteName> =
  RouteResponse<Name> extends undefined ? null : Frozen<Exclude<RouteResponse<Name>, undefined>>;
export type AnswerOf<Name extends RouteName> = Answer<ResponseOf<Name>>;
export type Handler<Name extends RouteName> = (
  call: RouteInput<Name> & CallContext,
) => AnswerOf<Name> | Promise<AnswerOf<Name>>;

/** Every route has its handler: one that is missing does not compile. */
export type Handlers = { readonly [Name in RouteName]: Handler<Name> };
