import { screenPath } from '@argosy/contracts/routes';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { refuse, type EdgeRefusal } from '../answer';
import { routeConfig } from '../gate';
import type { Screens } from './screens';
import { acceptOf } from './web-socket';

const { refusal: noWebSocket } = refuse(
  'invalid-request',
  'This is the address of a WebSocket (RFC 6455, version 13); it speaks RFB with a guest’s screen.',
);
const { refusal: noTicket } = refuse(
  'unauthenticated',
  'This address was used already, or was not used in time: ask for the screen again.',
);

/** Where a browser takes up a screen that it was granted. The address is the permission: it can be guessed by nobody. */
export function addScreenSocket(
  server: FastifyInstance,
  screens: Screens,
  sendRefusal: (reply: FastifyReply, refusal: EdgeRefusal) => FastifyReply,
): void {
  server.server.on('upgrade', (request, socket, head) => takeUpgrade(server, request, { socket, head }));
  server.route({
    method: 'GET',
    url: screenPath,
    ...routeConfig('guest.screen-socket', 'everyone'),
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const key = keyOf(request);
      if (key === null) return sendRefusal(reply, noWebSocket);
      const { ticket } = request.params as { readonly ticket: string };
      const isTaken = screens.claim(ticket, () => accept(request, reply, key));
      return isTaken ? reply : sendRefusal(reply, noTicket);
    },
  });
}

/** null: it asks for no WebSocket of the version that there is. */
function keyOf({ headers }: FastifyRequest): string | null {
  const isAsked = headers.upgrade?.toLowerCase() === 'websocket' && headers['sec-websocket-version'] === '13';
  const key = headers['sec-websocket-key'];
  return isAsked && key !== undefined ? key : null;
}

/** What VNC clients offer, for bytes as they are. One that offers no protocol is told of none. */
const protocol = 'binary';

function accept({ headers }: FastifyRequest, reply: FastifyReply, key: string): Socket {
  reply.hijack();
  const { raw } = reply;
  const socket = raw.socket!;
  raw.detachSocket(socket);
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    ...(offered.includes(protocol) ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.setTimeout(0);
  return socket;
}

/**
 * Node gives a request that asks for another protocol, with its connection, to whoever listens for such. A WebSocket goes
 * through the same hooks and routes as every request. Who offers HTTP/2 on the way, as some clients always do, has sent a
 * request of HTTP/1.1 that is answered as one: it is read once more without the offer.
 */
function takeUpgrade(
  server: FastifyInstance,
  request: IncomingMessage,
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
): void {
  socket.on('error', () => socket.destroy());
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    socket.unshift(Buffer.concat([Buffer.from(withoutOffer(request), 'latin1'), head]));
    return void server.server.emit('connection', socket);
  }
  if (head.length > 0) socket.unshift(head);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on('finish', () => socket.end());
  server.routing(request, response);
}

function withoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
