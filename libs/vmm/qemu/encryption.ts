import { getDiffieHellman } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceFolder } from './instance-folder';
import type { QmpClient } from './qmp';

const username = 'argosy';

/**
 * Sets this side of a migration to TLS by a key that only its two hosts know (QEMU's tls-creds-psk), or to plain: null.
 * The key lies in the instance's folder, which is its user's alone, and QEMU reads it at once.
 */
export async function setEncryption(
  qmp: QmpClient,
  { folder, endpoint, key }: { folder: InstanceFolder; endpoint: 'server' | 'client'; key: string | null },
): Promise<void> {
  const id = `tls-${endpoint}`;
  if (key !== null) {
    const path = join(folder.path, id);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    writeFileSync(join(path, 'keys.psk'), `${username}:${key}\n`, { mode: 0o600 });
    // Without these QEMU makes a group of its own, which takes from a third of a second to several.
    writeFileSync(join(path, 'dh-params.pem'), diffieHellmanParameters());
    // Of an earlier migration from here that ended with the guest running on.
    await qmp.call('object-del', { id }).catch(() => undefined);
    const credentials = { 'qom-type': 'tls-creds-psk', id, dir: path, endpoint };
    await qmp.call('object-add', endpoint === 'client' ? { ...credentials, username } : credentials);
  }
  await qmp.call('migrate-set-parameters', { 'tls-creds': key === null ? '' : id });
}

/** RFC 3526's 2048-bit group as PKCS #3: SEQUENCE { prime, generator 2 }. */
function diffieHellmanParameters(): string {
  const element = (tag: number, value: Buffer): Buffer => {
    const { length } = value;
    const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
    return Buffer.concat([Buffer.from(head), value]);
  };
  const integer = (value: Buffer): Buffer => element(2, Buffer.concat([Buffer.from([0]), value]));
  const der = element(
    0x30,
    Buffer.concat([integer(getDiffieHellman('modp14').getPrime()), element(2, Buffer.from([2]))]),
  );
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN DH PARAMETERS-----', ...lines, '-----END DH PARAMETERS-----', ''].join('\n');
}
