const defaultSentinelPort = 26_379;
const shape = /^redis(s?)\+sentinel:\/\/(?:([^:@/]*):([^@/]*)@)?([^/?]+)\/([^/?]+)(?:\?sentinelPassword=(.*))?$/;
const place = /^(\[[\da-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/;

interface OneServer {
  readonly url: string;
}

/** As ioredis takes it. */
interface NamedMaster {
  readonly sentinels: { host: string; port: number }[];
  readonly name: string;
  readonly username?: string;
  readonly password?: string;
  readonly sentinelPassword?: string;
  readonly tls?: object;
  readonly sentinelTLS?: object;
  readonly enableTLSForSentinelMode?: boolean;
}

/** What is to be written instead, for a message to whoever gave the address. */
export const redisAddressShapes =
  'must be like redis://:password@127.0.0.1:6379, rediss://… (TLS), or redis+sentinel://:password@first:26379,second:26379/name';

/**
 * One server, or a master that Redis Sentinel names: `redis+sentinel://[user:password@]host[:port],…/name`, with `rediss` for TLS to
 * sentinels and servers alike. User and password are the servers'; the sentinels' own stands behind `?sentinelPassword=`.
 * All are percent-encoded, as in any URL. `null`: it is no such address.
 */
export function redisConnection(address: string): OneServer | NamedMaster | null {
  if (/^rediss?:\/\//.test(address)) return URL.canParse(address) ? { url: address } : null;
  const [, secure, username, password, places = '', name = '', sentinelPassword] = shape.exec(address) ?? [];
  const sentinels = places.split(',').map(sentinelOf);
  if (name === '' || !sentinels.every((each) => each !== null)) return null;
  const tls = secure ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {};
  return {
    sentinels,
    name: decodeURIComponent(name),
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    ...(sentinelPassword ? { sentinelPassword: decodeURIComponent(sentinelPassword) } : {}),
    ...tls,
  };
}

function sentinelOf(text: string): { host: string; port: number } | null {
  const [, host, port] = place.exec(text) ?? [];
  if (!host) return null;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultSentinelPort) };
}
