import { errorBodySchema } from '@argosy/contracts/errors';

/** What the API refused, or that it could not be reached; the message is for people. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

export const unreachable = (): ApiError =>
  new ApiError(
    'unreachable',
    'The controller does not answer. What was asked may or may not have been done; look again when it is back.',
  );

export async function errorOf(response: Response): Promise<ApiError> {
  const body = errorBodySchema.safeParse(await response.json().catch(() => null));
  if (body.success) return new ApiError(body.data.code, body.data.message, body.data.details);
  return new ApiError(
    'unexpected-answer',
    `The controller answered with status ${response.status} and no explanation.`,
  );
}
