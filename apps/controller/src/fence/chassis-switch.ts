import { connect } from 'node:net';
import type { LinkImpairment } from '@argosy/domain/drill';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { z } from 'zod';

const answerSchema = z.union([
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);

const longestAnswer = 64 * 1024;
/** Of what a drill asks; a fence has its device's. */
const usualDeadlineMs = 8_000;

export interface PowerOff {
  /** Refused by the switch when a later incarnation is on, or a leader of a higher term has spoken. A power cut names neither. */
  readonly incarnation?: number;
  readonly term?: number;
}

/**
 * The power switch of a lab's chassis, as any fence device: it confirms only when nothing of the host is left. No answer
 * proves nothing, and is a refusal like any other.
 */
export function switchOff(socketPath: string, request: PowerOff, deadlineMs?: number): Promise<Result<null>> {
  return ask(socketPath, { op: 'off', ...request }, deadlineMs);
}

/** A host that is on already stays as it is. */
export function switchOn(
  socketPath: string,
  request: Pick<PowerOff, 'term'>,
  deadlineMs: number,
): Promise<Result<null>> {
  return ask(socketPath, { op: 'on', ...request }, deadlineMs);
}

/** A drill's impairment of the host's links, which ends by itself. */
export async function impairLinks(
  socketPath: string,
  request: Pick<LinkImpairment, 'networks' | 'delayMs' | 'lossShare'> & { readonly forMs: number },
): Promise<Result<null>> {
  const result = await ask(socketPath, { op: 'impair', ...request });
  return result.ok ? result : refused('vmm-unsupported', result.refusal.message);
}

function ask(socketPath: string, request: object, deadlineMs = usualDeadlineMs): Promise<Result<null>> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let text = '';
    let settled = false;
    const settle = (result: Result<null>): void => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      socket.destroy();
      resolve(result);
    };
    const deadline = setTimeout(
      () => settle(refused('not-confirmed', `The power switch ${socketPath} did not answer within ${deadlineMs} ms.`)),
      deadlineMs,
    );
    socket.on('error', (error) =>
      settle(refused('fence-failed', `The power switch ${socketPath} cannot be reached: ${error.message}.`)),
    );
    socket.on('close', () =>
      settle(refused('not-confirmed', `The power switch ${socketPath} ended without an answer.`)),
    );
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      if (text.length > longestAnswer) settle(readAnswer(socketPath, ''));
      if (text.includes('\n')) settle(readAnswer(socketPath, text));
    });
    socket.write(`${JSON.stringify({ id: 1, ...request })}\n`);
  });
}

/** undefined: it is not JSON. Whatever stands behind the socket must not end the controller. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readAnswer(socketPath: string, text: string): Result<null> {
  const answer = answerSchema.safeParse(parsed(text));
  if (!answer.success) return refused('not-confirmed', `The power switch ${socketPath} gave an answer that is none.`);
  if (answer.data.ok) return accepted(null);
  const code =
    answer.data.code === 'stale-incarnation' || answer.data.code === 'stale-term' ? answer.data.code : 'fence-failed';
  return refused(code, answer.data.message);
}
