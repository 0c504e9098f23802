import './engine-options';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { accepted, refused, type Refusal, type Result } from '@argosy/domain/refusal';
import { Refused } from '../refused';
import { AgentLine } from './agent-line';
import { Runner } from './runner';
import { LineReader, runnerFiles, runnerProtocol, type FromRunner, type ToRunner } from './runner-protocol';

// The process that runs guests of the embedded VMM, in its working folder. It outlives the agent that started it: agents come
// and go, and find it by that folder.

/** Without a guest and without an agent there is nothing to stay for. */
const idleBeforeEndMs = 10_000;
const lookEveryMs = 1_000;

const runner = new Runner({ root: dirname(process.cwd()), millicores: Number(process.argv[2]) });
let agent: { readonly socket: Socket; readonly line: AgentLine } | null = null;

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC')
    return refused('disk-full', `the datastore is full; free some room on it (${message})`).refusal;
  if (code === 'ENOENT')
    return refused('disk-missing', `a file is not on this host; is the datastore mounted? (${message})`).refusal;
  return refused('vmm-failed', `the embedded VMM failed: ${message}`).refusal;
}

async function perform(asked: ToRunner): Promise<unknown> {
  if (asked.ask === 'answer') return null;
  if (asked.ask === 'begin') {
    await runner.beginAnew(asked);
    return null;
  }
  const handler = runner.handlers[asked.command.call as keyof typeof runner.handlers] as (
    request: unknown,
    key: string | null,
  ) => unknown;
  return handler(asked.command, asked.key);
}

/** Of another release: it is told so, and the agent that speaks with this process goes on. */
function refuseRelease(socket: Socket, { id, protocol }: Extract<ToRunner, { ask: 'begin' }>): void {
  const message = `the process of this host's guests speaks version ${runnerProtocol} and this agent ${protocol}; move its guests away with the agent that started it`;
  const answer: FromRunner = { id, result: refused('vmm-unsupported', message) };
  socket.end(`${JSON.stringify(answer)}\n`);
}

function begin(socket: Socket): void {
  if (agent?.socket === socket) return;
  agent?.socket.destroy();
  agent = { socket, line: new AgentLine(socket) };
}

function answer(socket: Socket, asked: ToRunner): void {
  if (asked.ask === 'begin') {
    if (asked.protocol !== runnerProtocol) return refuseRelease(socket, asked);
    begin(socket);
  }
  if (agent?.socket !== socket) return;
  void perform(asked)
    .then(accepted, (error: unknown): Result<never> => ({ ok: false, refusal: refusalOf(error) }))
    .then((result) => agent?.socket === socket && agent.line.tell({ id: asked.id, result }));
}

const server = createServer((socket) => {
  const reader = new LineReader((line) => answer(socket, JSON.parse(line) as ToRunner));
  socket.setEncoding('utf8');
  socket.on('data', (piece: string) => reader.push(piece));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (agent?.socket === socket) agent = null;
  });
});

runner.tell = (event) => agent?.line.tell({ event });
// A path of its own working folder: a socket's may have 107 characters only.
rmSync(runnerFiles.socket, { force: true });
server.listen(runnerFiles.socket, () => chmodSync(runnerFiles.socket, 0o600));

let idleMs = 0;
setInterval(() => {
  idleMs = agent === null && runner.isIdle ? idleMs + lookEveryMs : 0;
  if (idleMs >= idleBeforeEndMs) process.exit(0);
}, lookEveryMs);
// The end of who started it is not its own.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
