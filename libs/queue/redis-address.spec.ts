import { redisConnection } from './redis-address';

it('leaves the address of one server as it is', () => {
  const url = 'rediss://:p%40ss@redis.example:6380/2';
  expect(redisConnection(url)).toEqual({ url });
});

it('reads the sentinels, the name of their master, and whose passwords are whose', () => {
  expect(
    redisConnection('redis+sentinel://argosy:p%40ss@first:26380,[::1]:1,third/fleet?sentinelPassword=s%2F'),
  ).toEqual({
    sentinels: [
      { host: 'first', port: 26_380 },
      { host: '::1', port: 1 },
      { host: 'third', port: 26_379 },
    ],
    name: 'fleet',
    username: 'argosy',
    password: 'p@ss',
    sentinelPassword: 's/',
  });
});

it('goes by TLS to sentinels and servers where it is asked to', () => {
  expect(redisConnection('rediss+sentinel://first/fleet')).toMatchObject({
    tls: {},
    sentinelTLS: {},
    enableTLSForSentinelMode: true,
  });
});

it.each(['http://first', 'redis+sentinel://first', 'redis+sentinel:///fleet', 'redis+sentinel://a,,b/fleet'])(
  'knows that %s is none',
  (address) => {
    expect(redisConnection(address)).toBeNull();
  },
);
