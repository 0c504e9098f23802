import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, refuse } from './answer';
import type { HttpLimits } from './ports';

/** The HTTP server's own bounds. CORS stays closed: nothing answers a preflight. */
export function createHttpAdapter(
  limits: Pick<HttpLimits, 'bodyBytes'>,
  tls: { readonly cert: Buffer; readonly key: Buffer } | null = null,
): FastifyAdapter {
  return new FastifyAdapter({
    ...(tls === null ? {} : { https: { ...tls, minVersion: 'TLSv1.2' as const } }),
    bodyLimit: limits.bodyBytes,
    // How long a request may take to arrive; an answer may take longer, and a stream goes on for ever.
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: (_error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
      const { refusal } = refuse(
        'invalid-request',
        'The URL is not well formed; escape its special characters with %.',
      );
      void reply.code(400).send(errorBody(refusal));
    },
  });
}
