import { makeLab, startEdge, type Edge } from './edge';

// What a fence device is told in secret is kept, and nobody who asks gets to see it.

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
  await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());

const ipmi = {
  name: 'ipmi',
  kind: 'fence-agent',
  address: 'fence_ipmilan',
  options: { ip: '10.0.0.7' },
  secrets: { password: 'hush-hush' },
};

async function streamedWhile(work: () => Promise<unknown>): Promise<string> {
  const abort = new AbortController();
  const response = await fetch(`${edge.url}/api/v1/events/stream`, {
    headers: { authorization: `Bearer ${edge.tokens.administrator}` },
    signal: abort.signal,
  });
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
      text += new TextDecoder().decode(chunk);
  })().catch(() => undefined);
  await work();
  const end = performance.now() + 5_000;
  while (!text.includes('fence-device-set') && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 10));
  abort.abort();
  await reading;
  return text;
}

test('a secret is in no answer, no event and no stream, and outlives the leader', async () => {
  const streamed = await streamedWhile(() =>
    edge.call('host.add-fence-device', { params: { host: 'h1' }, body: ipmi }),
  );
  expect(streamed).toContain('fence-device-set');
  const answers = [
    streamed,
    JSON.stringify(await edge.call('host.list')),
    JSON.stringify(await edge.call('host.get', { params: { host: 'h1' } })),
    JSON.stringify(await edge.call('event.list')),
  ];
  for (const answer of answers) expect(answer).not.toContain('hush-hush');
  expect(answers[1]).toContain('"secretNames":["password"]');
  await edge.gateway.takeOver();
  expect([...edge.gateway.fleet.fenceSecrets.values()].map(({ values }) => values)).toEqual([
    { password: 'hush-hush' },
  ]);
});

test('devices are tried in the order that was given, and one is replaced by its name', async () => {
  await edge.call('host.add-fence-device', { params: { host: 'h2' }, body: { ...ipmi, secrets: {} } });
  await edge.call('host.add-fence-device', {
    params: { host: 'h2' },
    body: { name: 'strip', kind: 'webhook', address: 'https://power.example/off', position: 1 },
  });
  const replaced = await edge.call('host.add-fence-device', {
    params: { host: 'h2' },
    body: { ...ipmi, address: 'fence_redfish', secrets: {} },
  });
  expect(replaced.fenceDevices.map(({ name, address }) => [name, address])).toEqual([
    ['strip', 'https://power.example/off'],
    ['ipmi', 'fence_redfish'],
  ]);
  const left = await edge.call('host.remove-fence-device', { params: { host: 'h2', device: 'strip' } });
  expect(left.fenceDevices.map(({ name }) => name)).toEqual(['ipmi']);
});

test.each([
  ['a secret among the options', { ...ipmi, options: { password: 'x' } }, 'give it under secrets'],
  ['a program that is no fence agent', { ...ipmi, address: '/bin/sh' }, 'like fence_ipmilan'],
  ['a webhook that is no URL', { ...ipmi, kind: 'webhook', address: 'power.example' }, 'must be a URL'],
  ['an action', { ...ipmi, options: { action: 'on' } }, 'must not name an action'],
  ['a second line in a value', { ...ipmi, options: { ip: 'a\naction=on' } }, 'must be one line of text'],
  ['a kind that there is none of', { ...ipmi, kind: 'stonith' }, 'must be one of chassis, fence-agent, webhook'],
])('%s is refused with a sentence', async (_, body, sentence) => {
  const { status, body: answer } = await edge.send('POST', '/api/v1/hosts/h1/fence-devices', { body });
  expect([status, answer.message]).toEqual([400, expect.stringContaining(sentence)]);
});

test('the power of a host is another administrator matter: an operator may not name a device', async () => {
  const { status } = await edge.send('POST', '/api/v1/hosts/h1/fence-devices', {
    body: ipmi,
    token: edge.tokens.operator,
  });
  expect(status).toBe(403);
});

test('a fence is current for its leader and its incarnation only', async () => {
  const store = edge.gateway.store;
  const host = [...edge.gateway.fleet.hosts.values()].find(({ name }) => name === 'h1')!;
  await edge.call('host.fence', { params: { host: 'h1' } });
  const { term } = edge.gateway.fleet;
  const ask = (changes: object) =>
    store.isCurrent({ action: 'off', hostId: host.id, incarnation: host.incarnation, term, ...changes });
  expect(await ask({})).toBe(true);
  expect(await ask({ term: term - 1 })).toBe(false);
  expect(await ask({ incarnation: host.incarnation - 1 })).toBe(false);
  expect(await ask({ action: 'on' })).toBe(false);
});
