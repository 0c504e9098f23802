import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { runProgram } from '@argosy/program/run-program';
import type { FenceRequest } from './fence-devices';

/** What the fence-agents API says that `action=status` ends with; all else is a failure. */
const statusOf = { on: 0, off: 2 } as const;

/**
 * A program of the fence-agents project, or one that follows its API: options as `key=value` lines on its standard
 * input. An action that ends with 0 is the agent's word that it has done it; the proof is the status that it then tells.
 */
export async function runFenceAgent(request: FenceRequest, folders: readonly string[]): Promise<Result<null>> {
  const { action, device, hostName } = request;
  const program = folders.map((folder) => join(folder, device.address)).find((path) => existsSync(path));
  if (program === undefined)
    return refused(
      'fence-failed',
      `${device.address} is in none of ${folders.join(', ')}: install it on each controller.`,
    );
  const until = Date.now() + device.deadlineMs;
  const done = await run(program, request, action, until);
  if (done.status !== 0)
    return refused('fence-failed', `${device.address} could not switch ${hostName} ${action}: ${done.reason}.`);
  const status = await run(program, request, 'status', until);
  if (status.status === statusOf[action]) return accepted(null);
  return refused(
    'not-confirmed',
    `${device.address} says that it switched ${hostName} ${action}, and its status says ${told(status)}.`,
  );
}

function told({ status, reason }: Ended): string {
  return status === statusOf.on ? 'on' : status === statusOf.off ? 'off' : reason;
}

interface Ended {
  readonly status: number | null;
  readonly reason: string;
}

/** Nothing of the controller's environment is its business. */
async function run(
  program: string,
  request: FenceRequest,
  action: 'off' | 'on' | 'status',
  until: number,
): Promise<Ended> {
  const { device, hostName, secrets } = request;
  const options = { nodename: hostName, ...device.options, ...secrets, action };
  const end = await runProgram(program, {
    input: Object.entries(options)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
    environment: { PATH: process.env['PATH'] },
    deadlineMs: Math.max(0, until - Date.now()),
  });
  const said = withoutSecrets(end.output, secrets).trim().split('\n').at(-1);
  if (end.how === 'not-started') return { status: null, reason: said ?? '' };
  const ended =
    end.how === 'late'
      ? `no answer within ${device.deadlineMs} ms`
      : `it ended with ${end.signal ?? `status ${end.status}`}`;
  const status = end.how === 'late' ? null : end.status;
  return { status, reason: said ? `${ended} (${said})` : ended };
}

/** What an agent prints becomes a reason that people read. */
function withoutSecrets(text: string, secrets: Readonly<Record<string, string>>): string {
  return Object.values(secrets).reduce((left, secret) => (secret === '' ? left : left.replaceAll(secret, '…')), text);
}
