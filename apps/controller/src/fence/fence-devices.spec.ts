import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FenceDevice } from '@argosy/domain/fence-device';
import { fence, type FenceRequest } from './fence-devices';

/** A power strip with one outlet, in a file, behind a program that follows the fence-agents API. */
const stripAgent = `#!/bin/sh
folder=$(dirname "$0")
while IFS= read -r line; do
  echo "$line" >> "$folder/input"
  case "$line" in action=*) action=\${line#action=};; password=*) password=\${line#password=};; esac
done
[ -e "$folder/daemon" ] && setsid sleep 5 &
if [ "$password" != right ]; then echo "login with $password failed" >&2; exit 1; fi
case "$action" in
  on) echo on > "$folder/outlet"; exit 0;;
  off) [ -e "$folder/hangs" ] && sleep 60; [ -e "$folder/stuck" ] || echo off > "$folder/outlet"; exit 0;;
  status) [ "$(cat "$folder/outlet")" = off ] && exit 2; exit 0;;
esac
exit 1
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-fence-'));
  writeFileSync(join(folder, 'fence_strip'), stripAgent);
  chmodSync(join(folder, 'fence_strip'), 0o755);
  writeFileSync(join(folder, 'outlet'), 'on\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

function aRequest(device: Partial<FenceDevice>, secrets: Record<string, string> = {}): FenceRequest {
  return {
    hostId: 'id1',
    action: 'off',
    hostName: 'h1',
    incarnation: 7,
    term: 3,
    secrets,
    device: {
      name: 'strip',
      kind: 'fence-agent',
      address: 'fence_strip',
      options: { plug: '4' },
      secretNames: Object.keys(secrets),
      deadlineMs: 3_000,
      setBy: 'administrator',
      ...device,
    },
  };
}

const act = (request: FenceRequest, current = true) =>
  fence(request, { isCurrent: () => Promise.resolve(current), agentFolders: [folder] });

test('a fence agent is given its options and its secret on its input, and a status that says off is the proof', async () => {
  expect(await act(aRequest({}, { password: 'right' }))).toEqual({ ok: true, value: null });
  const input = readFileSync(join(folder, 'input'), 'utf8').split('\n');
  for (const line of ['nodename=h1', 'plug=4', 'password=right', 'action=off', 'action=status'])
    expect(input).toContain(line);
});

test('the same agent switches a host on, and a status that says on is the proof', async () => {
  writeFileSync(join(folder, 'outlet'), 'off\n');
  expect(await act({ ...aRequest({}, { password: 'right' }), action: 'on' })).toEqual({ ok: true, value: null });
  expect(readFileSync(join(folder, 'outlet'), 'utf8')).toBe('on\n');
  expect(readFileSync(join(folder, 'input'), 'utf8')).toContain('action=on\n');
});

test('an agent that says that it is done while its status says on proves nothing', async () => {
  writeFileSync(join(folder, 'stuck'), '');
  expect(await act(aRequest({}, { password: 'right' }))).toMatchObject({
    ok: false,
    refusal: { code: 'not-confirmed', message: expect.stringContaining('its status says on') as string },
  });
});

test('what an agent prints is told without the secrets in it', async () => {
  const result = await act(aRequest({}, { password: 'wrong-one' }));
  expect(result).toMatchObject({
    ok: false,
    refusal: { code: 'fence-failed', message: expect.stringContaining('login with … failed') as string },
  });
  expect(JSON.stringify(result)).not.toContain('wrong-one');
});

test('an agent that hangs is ended with all that it started, and proves nothing', async () => {
  writeFileSync(join(folder, 'hangs'), '');
  const begun = Date.now();
  expect(await act(aRequest({ deadlineMs: 400 }, { password: 'right' }))).toMatchObject({
    ok: false,
    refusal: { message: expect.stringContaining('no answer within 400 ms') as string },
  });
  expect(Date.now() - begun).toBeLessThan(3_000);
  expect(readFileSync(join(folder, 'outlet'), 'utf8')).toBe('on\n');
});

test('an agent that leaves a daemon with its output has answered when it has ended, and is waited for no longer', async () => {
  writeFileSync(join(folder, 'daemon'), '');
  expect(await act(aRequest({ deadlineMs: 3_000 }, { password: 'right' }))).toEqual({ ok: true, value: null });
  expect(readFileSync(join(folder, 'outlet'), 'utf8')).toBe('off\n');
});

test('an agent that is not installed is told by name', async () => {
  expect(await act(aRequest({ address: 'fence_absent' }))).toMatchObject({
    ok: false,
    refusal: { code: 'fence-failed', message: expect.stringContaining('fence_absent is in none of') as string },
  });
});

test('nothing is switched for a leader that was replaced, or an incarnation that is over', async () => {
  expect(await act(aRequest({}, { password: 'right' }), false)).toMatchObject({
    ok: false,
    refusal: { code: 'stale-incarnation' },
  });
  expect(readFileSync(join(folder, 'outlet'), 'utf8')).toBe('on\n');
});

describe('a webhook', () => {
  let server: Server;
  let answer: { status: number; body: unknown };
  let heard: { body: unknown; authorization: string | undefined }[];
  let address: string;
  beforeEach(async () => {
    heard = [];
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      request.on('end', () => {
        heard.push({ body: JSON.parse(text), authorization: request.headers.authorization });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/off`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const ask = () => act(aRequest({ kind: 'webhook', address, options: { zone: 'a' } }, { token: 'hush' }));

  test('is told host, incarnation and term, and its explicit confirmation is the proof', async () => {
    answer = { status: 200, body: { off: true, host: 'h1', incarnation: 7 } };
    expect(await ask()).toEqual({ ok: true, value: null });
    expect(heard).toEqual([
      { body: { zone: 'a', action: 'off', host: 'h1', incarnation: 7, term: 3 }, authorization: 'Bearer hush' },
    ]);
  });

  test.each([
    ['a 200 that says nothing', { status: 200, body: {} }, 'not-confirmed'],
    ['an accepted order', { status: 202, body: { off: false, host: 'h1', incarnation: 7 } }, 'not-confirmed'],
    [
      'an answer that does not end',
      { status: 200, body: { off: true, host: 'h1', incarnation: 7, more: 'x'.repeat(100_000) } },
      'not-confirmed',
    ],
    ['the word for another host', { status: 200, body: { off: true, host: 'h2', incarnation: 7 } }, 'not-confirmed'],
    [
      'the word for an older incarnation',
      { status: 200, body: { off: true, host: 'h1', incarnation: 6 } },
      'not-confirmed',
    ],
    [
      'an error that carries the right words',
      { status: 500, body: { off: true, host: 'h1', incarnation: 7 } },
      'fence-failed',
    ],
  ])('%s is no proof', async (_, given, code) => {
    answer = given;
    expect(await ask()).toMatchObject({ ok: false, refusal: { code } });
  });

  test('nobody there is no proof', async () => {
    answer = { status: 200, body: {} };
    expect(await act(aRequest({ kind: 'webhook', address: 'http://127.0.0.1:1/off' }))).toMatchObject({
      ok: false,
      refusal: { code: 'fence-failed' },
    });
  });
});
