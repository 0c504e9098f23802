import { mostPartBytes, uploadPartPath, uploadPartQuery } from '@argosy/contracts/image-uploads';
import { referenceField, strictBody } from '@argosy/contracts/fields';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { refuse, type EdgeRefusal } from './answer';
import { refusalOf } from './failures';
import { routeConfig } from './gate';
import { unknownUpload } from './handlers/uploads';
import { parserOf } from './parse-call';
import type { HttpPorts } from './ports';

/** A host's disk is written by one request after the other; all users together hold so many parts in memory. */
const mostPartsAtOnce = 8;

const { refusal: wrongType } = refuse(
  'unsupported-media-type',
  'Send the bytes as the body, with "Content-Type: application/octet-stream".',
);

/** The parts of disks: bytes, and no JSON. In a context of its own, so that no other route takes such bodies. */
export function addUploadParts(
  server: FastifyInstance,
  { gateway, uploads, logError }: Pick<HttpPorts, 'gateway' | 'uploads' | 'logError'>,
  sendRefusal: (reply: FastifyReply, refusal: EdgeRefusal) => FastifyReply,
): void {
  const parse = parserOf({
    method: 'PATCH',
    path: '',
    summary: '',
    tag: 'images',
    access: 'operator',
    status: 200,
    params: strictBody({ upload: referenceField }),
    query: uploadPartQuery,
  });
  let arriving = 0;
  void server.register(async (context) => {
    context.removeAllContentTypeParsers();
    context.addContentTypeParser(
      'application/octet-stream',
      { parseAs: 'buffer', bodyLimit: mostPartBytes },
      (_request, body, done) => done(null, body),
    );
    context.setErrorHandler((error, _request, reply) => {
      const refusal = refusalOf(error, { bodyBytes: mostPartBytes, logError });
      return sendRefusal(reply, refusal.code === 'unsupported-media-type' ? wrongType : refusal);
    });
    context.route({
      method: 'PATCH',
      url: uploadPartPath,
      bodyLimit: mostPartBytes,
      ...routeConfig('image.upload-part', 'operator', true),
      onRequest: async (_request, reply) => {
        if (arriving >= mostPartsAtOnce)
          return sendRefusal(
            reply,
            refuse('too-many-requests', 'Many parts of disks are arriving; send this one again in a moment.').refusal,
          );
        arriving += 1;
        reply.raw.once('close', () => (arriving -= 1));
      },
      handler: async (request, reply) => {
        if (!gateway.leading)
          return sendRefusal(
            reply,
            refuse('not-leader', 'This controller does not lead; ask /api/v1/lab who does.').refusal,
          );
        const call = parse({ params: request.params, query: request.query, body: undefined });
        if (!call.ok) return sendRefusal(reply, call.refusal);
        if (!Buffer.isBuffer(request.body) || request.body.length === 0) return sendRefusal(reply, wrongType);
        const { upload } = call.value.params as { upload: string };
        const { offset } = call.value.query as { offset: number };
        const answer = (await uploads.write(upload, offset, request.body)) ?? unknownUpload(upload);
        return answer.ok ? reply.send(answer.value) : sendRefusal(reply, answer.refusal);
      },
    });
  });
}
