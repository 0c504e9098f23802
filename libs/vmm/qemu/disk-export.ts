import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { unlink } from 'node:fs/promises';
import { type InstanceFolder, socketPathFits } from './instance-folder';
import { QmpError, type QmpClient } from './qmp';

/** The name under which a target offers the disk that comes to it. */
export const exportName = 'disk';

const portAttempts = 5;

interface Addresses {
  readonly listenAddress: string;
  readonly advertiseAddress: string;
}

/**
 * A target's disk is open for writing by its source, over NBD, until the guest runs there. `encrypted`: with the key of this
 * migration, which `setEncryption` has given to QEMU. Value: where it listens.
 */
export async function offerDisk(
  qmp: QmpClient,
  { folder, encrypted, listenAddress, advertiseAddress }: Addresses & { folder: InstanceFolder; encrypted: boolean },
): Promise<string> {
  const credentials = encrypted ? { 'tls-creds': 'tls-server' } : {};
  const uri = await listen(qmp, { folder, listenAddress, advertiseAddress }, credentials);
  await qmp.call('block-export-add', {
    type: 'nbd',
    id: exportName,
    'node-name': 'disk',
    name: exportName,
    writable: true,
  });
  return uri;
}

async function listen(
  qmp: QmpClient,
  { folder, listenAddress, advertiseAddress }: Addresses & { folder: InstanceFolder },
  credentials: Readonly<Record<string, string>>,
): Promise<string> {
  const path = join(folder.path, 'disk-in');
  if (listenAddress.startsWith('127.') && socketPathFits(path)) {
    await unlink(path).catch(() => undefined);
    await qmp.call('nbd-server-start', { addr: { type: 'unix', data: { path } }, ...credentials });
    return `unix:${path}`;
  }
  // QEMU takes any port for port 0 and does not tell which: so we choose one that is free, and again if another was faster.
  for (let attempt = 1; ; attempt++) {
    const port = String(await freePort(listenAddress));
    const addr = { type: 'inet', data: { host: listenAddress, port } };
    try {
      await qmp.call('nbd-server-start', { addr, ...credentials });
      return `tcp:${advertiseAddress}:${port}`;
    } catch (error) {
      if (!(error instanceof QmpError) || attempt === portAttempts) throw error;
    }
  }
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The source has let go of it already, unless it is dead. */
export async function withdrawDisk(qmp: QmpClient): Promise<void> {
  await qmp.call('nbd-server-stop').catch((error: unknown) => {
    // An agent before has done it.
    if (!(error instanceof QmpError)) throw error;
  });
}

/** An address as QEMU's NBD client takes it. */
export function serverOf(uri: string): Readonly<Record<string, string | boolean>> {
  if (uri.startsWith('unix:')) return { type: 'unix', path: uri.slice('unix:'.length) };
  const [, host = '', port = ''] = /^tcp:(.*):(\d+)$/.exec(uri) ?? [];
  return { type: 'inet', host, port, 'keep-alive': true };
}
