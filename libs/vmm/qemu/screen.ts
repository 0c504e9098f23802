import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { refuse } from '../refused';
import { hasScreen, instanceFiles } from './command-line';
import type { QemuInstance } from './instance';

/** QEMU makes it as the agent's umask has it. Its folder is the agent's alone already; the socket says so itself as well. */
export async function keepScreenPrivate({ guest, folder }: QemuInstance): Promise<void> {
  if (hasScreen(guest)) await chmod(join(folder.path, instanceFiles.screen), 0o600);
}

/** Through the process' own working folder, for a socket's path may have 107 characters only. */
export function screenSocket({ guest, record }: QemuInstance): string {
  if (!hasScreen(guest))
    throw refuse(
      'no-screen',
      `${guest.name} was started without a screen: shut it down, set its display to "standard", and start it again.`,
    );
  if (!record.process) throw refuse('guest-not-running', `${guest.name} has no VMM on this host`);
  return `/proc/${record.process.pid}/cwd/${instanceFiles.screen}`;
}
