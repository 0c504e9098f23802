import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { FenceRequest } from './fence-devices';

/** What the fence-agents API says that `action=status` ends with; all else is a failure. */
const statusOf = { on: 0, off: 2 } as const;
const keptOutputBytes = 2_000;

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

function run(program: string, request: FenceRequest, action: 'off' | 'on' | 'status', until: number): Promise<Ended> {
  const { device, hostName, secrets } = request;
  const options = { nodename: hostName, ...device.options, ...secrets, action };
  return new Promise((resolve) => {
    // A group of its own: an agent's ssh or ipmitool must not outlive it. Nothing of the controller's environment is its business.
    const child = spawn(program, [], {
      detached: true,
      env: { PATH: process.env['PATH'] },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let late = false;
    const hear = (chunk: Buffer): void => {
      output = `${output}${chunk.toString('utf8')}`.slice(-keptOutputBytes);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const deadline = setTimeout(
      () => {
        late = true;
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      },
      Math.max(0, until - Date.now()),
    );
    child.on('error', (error) => {
      clearTimeout(deadline);
      resolve({ status: null, reason: error.message });
    });
    child.on('close', (status, signal) => {
      clearTimeout(deadline);
      const ended = late ? `no answer within ${device.deadlineMs} ms` : `it ended with ${signal ?? `status ${status}`}`;
      const said = withoutSecrets(output, secrets).trim().split('\n').at(-1);
      resolve({ status, reason: said ? `${ended} (${said})` : ended });
    });
    // One that ends before it has read everything is told of by its status.
    child.stdin.on('error', () => {});
    child.stdin.end(
      Object.entries(options)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
  });
}

/** What an agent prints becomes a reason that people read. */
function withoutSecrets(text: string, secrets: Readonly<Record<string, string>>): string {
  return Object.values(secrets).reduce((left, secret) => (secret === '' ? left : left.replaceAll(secret, '…')), text);
}
