import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../apps/lab/servers.mjs';
import { type Certificate, makeCertificate } from './certificate';

const password = 'of-the-servers';
const sentinelPassword = 'of-the-sentinel';
const address = '127.0.0.1';

/** Two servers, one the other's replica, and a sentinel that watches them: all by TLS, each with a password. */
export class RedisPair {
  private readonly processes = new Map<string, ChildProcess>();

  private constructor(
    private readonly folder: string,
    readonly certificate: Certificate,
    private readonly ports: { readonly first: number; readonly second: number; readonly sentinel: number },
  ) {}

  static async start(folder: string): Promise<RedisPair> {
    const ports = { first: await freePort(), second: await freePort(), sentinel: await freePort() };
    const pair = new RedisPair(folder, makeCertificate(folder, address), ports);
    const ours = [`requirepass ${password}`, `masterauth ${password}`, 'maxmemory-policy noeviction'];
    pair.begin('first', ours);
    pair.begin('second', [...ours, `replicaof ${address} ${ports.first}`]);
    pair.begin('sentinel', [
      `requirepass ${sentinelPassword}`,
      `sentinel monitor fleet ${address} ${ports.first} 1`,
      `sentinel auth-pass fleet ${password}`,
      'sentinel down-after-milliseconds fleet 1500',
      'sentinel failover-timeout fleet 6000',
    ]);
    return pair;
  }

  get url(): string {
    return `rediss+sentinel://:${password}@${address}:${this.ports.sentinel}/fleet?sentinelPassword=${sentinelPassword}`;
  }

  /** The master, at the start. */
  killFirst(): void {
    this.processes.get('first')?.kill('SIGKILL');
  }

  stop(): void {
    for (const child of this.processes.values()) child.kill('SIGKILL');
  }

  private begin(name: keyof RedisPair['ports'], lines: readonly string[]): void {
    const place = join(this.folder, name);
    mkdirSync(place);
    const { key, certificate } = this.certificate;
    const tls = [`tls-cert-file ${certificate}`, `tls-key-file ${key}`, `tls-ca-cert-file ${certificate}`];
    const common = [`bind ${address}`, 'port 0', `tls-port ${this.ports[name]}`, 'tls-auth-clients no', `dir ${place}`];
    const file = join(place, 'redis.conf');
    writeFileSync(file, [...common, ...tls, 'tls-replication yes', ...lines, ''].join('\n'), { mode: 0o600 });
    const log = openSync(join(place, 'redis.log'), 'a');
    const command = ['--pdeathsig', 'KILL', 'redis-server', file, ...(name === 'sentinel' ? ['--sentinel'] : [])];
    this.processes.set(name, spawn('setpriv', command, { stdio: ['ignore', log, log] }));
    closeSync(log);
  }
}
