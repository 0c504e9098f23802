import { join } from 'node:path';
import type { MigrationPolicy } from '@argosy/domain/policies';
import { offerDisk, withdrawDisk } from './disk-export';
import { setEncryption } from './encryption';
import { type InstanceFolder, type InstanceRecord, socketPathFits } from './instance-folder';
import { migrationCapabilities } from './outgoing';
import { makeItsOwn } from '../disk-files';
import type { QmpClient } from './qmp';

/** `key`: of this migration alone; null: in plain. */
export interface Listening {
  readonly policy: MigrationPolicy;
  readonly key: string | null;
  readonly listenAddress: string;
  readonly advertiseAddress: string;
}

export interface Listens {
  readonly uri: string;
  readonly diskUri: string | null;
}

/** The target's side of a migration: from here on QEMU takes the memory and, with `takesDisk`, the disk. */
export async function listen(
  qmp: QmpClient,
  folder: InstanceFolder,
  listening: Listening & { readonly takesDisk: boolean },
): Promise<Listens> {
  const { policy, key, listenAddress, advertiseAddress, takesDisk } = listening;
  await qmp.call('migrate-set-capabilities', migrationCapabilities(policy));
  await setEncryption(qmp, { folder, endpoint: 'server', key });
  const uri = await listenForMemory(qmp, folder, listening);
  if (!takesDisk) return { uri, diskUri: null };
  const diskUri = await offerDisk(qmp, { folder, encrypted: key !== null, listenAddress, advertiseAddress });
  return { uri, diskUri };
}

async function listenForMemory(
  qmp: QmpClient,
  folder: InstanceFolder,
  { listenAddress, advertiseAddress }: Listening,
): Promise<string> {
  const uri = incomingUri(folder, listenAddress);
  await qmp.call('migrate-incoming', { uri });
  if (uri.startsWith('unix:')) return uri;
  const answer = await qmp.call<{ 'socket-address'?: { port: string }[] }>('query-migrate');
  const port = answer['socket-address']?.[0]?.port;
  if (port === undefined) throw new Error('it listens for a migration but does not say where');
  return `tcp:${advertiseAddress}:${port}`;
}

/**
 * A loopback address is reached from this machine only, and there a unix socket does better: over TCP the last small segment
 * of a migration waits for a delayed acknowledgement (QEMU sets no TCP_NODELAY), which costs 40 ms of downtime.
 */
function incomingUri(folder: InstanceFolder, listenAddress: string): string {
  const path = join(folder.path, 'migration');
  const isLoopback = listenAddress.startsWith('127.');
  return isLoopback && socketPathFits(path) ? `unix:${path}` : `tcp:${listenAddress}:0`;
}

/** Granted: a copy becomes the guest's disk in one step, and before the first write of the guest to it. */
export async function takeDisk(qmp: QmpClient, { incoming, copyPath, guest }: InstanceRecord): Promise<void> {
  if (!incoming || !copyPath) return;
  await withdrawDisk(qmp);
  await makeItsOwn(copyPath, guest.diskPath);
}
