import { connect } from 'node:net';
import type { GuestProbe } from '@argosy/domain/entities';

const deadlineMs = 1_500;

/** Whether what the guest is there for answers. No answer, a refusal, another status: it does not. */
export async function guestServes(address: string, probe: GuestProbe): Promise<boolean> {
  return probe.kind === 'tcp' ? takesConnection(address, probe.port) : answersGet(address, probe);
}

function takesConnection(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: deadlineMs });
    const end = (serves: boolean): void => {
      socket.destroy();
      resolve(serves);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

async function answersGet(address: string, { port, path, status }: GuestProbe): Promise<boolean> {
  try {
    const response = await fetch(`http://${address}:${port}${path}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(deadlineMs),
    });
    await response.body?.cancel();
    return response.status === status;
  } catch {
    return false;
  }
}
