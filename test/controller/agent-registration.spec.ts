import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FleetClock } from '@argosy/domain/fleet-clock';
import { Registration, RegistrationRefused } from '../../apps/agent/src/registration';
import { makeLab, registration, startEdge, type Edge } from './edge';

// The agent's own side of joining, before a real controller: what it keeps, and what it does when answers are lost.

let edge: Edge;
let folder: string;
const said: string[] = [];
beforeAll(async () => {
  edge = await startEdge();
  await makeLab(edge);
}, 60_000);
afterAll(() => edge.stop());
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'argosy-registration-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const agent = (joinToken: string | null, url = edge.url) =>
  new Registration({
    controllerUrls: [url],
    joinToken,
    stateFolder: folder,
    clock: new FleetClock(() => Date.now()),
    say: (message) => said.push(message),
  });
const joinToken = async () => (await edge.call('join-token.create', { body: { pool: 'lab' } })).secret;

/** Passes on what is asked, and loses the first answer. */
async function losingAnAnswer(): Promise<{ url: string; server: Server }> {
  let lost = false;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { authorization = '' } = request.headers;
      const headers = { authorization, 'content-type': 'application/json' };
      void fetch(`${edge.url}${request.url}`, { method: 'POST', headers, body: Buffer.concat(chunks) }).then(
        async (answer) => {
          const text = await answer.text();
          if (!lost) {
            lost = true;
            return void request.socket.destroy();
          }
          response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
        },
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

test('a host goes by the time of the fleet from its registration on, whatever its own clock says', async () => {
  const clock = new FleetClock(() => Date.now() - 3_600_000);
  const options = { controllerUrls: [edge.url], stateFolder: folder, clock, say: () => undefined };
  await new Registration({ ...options, joinToken: await joinToken() }).register(registration('late'));
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000);
});

test('a host joins once, and comes back by what it has made and keeps for itself alone', async () => {
  const token = await joinToken();
  expect(await agent(token).register(registration('a1'))).toMatchObject({ assignments: { incarnation: 1 } });
  const file = join(folder, 'credential');
  expect(readFileSync(file, 'utf8')).toMatch(/^argosy_agent_/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await agent(null).register(registration('a1'))).toMatchObject({ assignments: { incarnation: 2 } });
});

test('a host whose first answer was lost is let in all the same, though its token is used up', async () => {
  const { url, server } = await losingAnAnswer();
  const token = await joinToken();
  const { assignments } = await agent(token, url).register(registration('a2'));
  server.close();
  expect(assignments.incarnation).toBe(2);
  expect(said.at(-1)).toMatch(/gives no answer.*Trying again/);
});

test('a host that is called as another gives up, and says what to do', async () => {
  const attempt = agent(await joinToken()).register(registration('h1'));
  await expect(attempt).rejects.toThrow(RegistrationRefused);
  await expect(attempt).rejects.toThrow(/join-token create --host h1 \(name-taken\)/);
});

test('a host with a credential that is unknown here joins by its token', async () => {
  await agent(await joinToken()).register(registration('a3'));
  await edge.access.revokeCredential('a3');
  await expect(agent(null).register(registration('a3'))).rejects.toThrow(RegistrationRefused);
  expect(await agent(await joinToken()).register(registration('a3'))).toMatchObject({
    assignments: { incarnation: 2 },
  });
});

test('a host with nothing to prove itself by does not even ask', () => {
  expect(() => agent(null)).toThrow(/neither a credential nor ARGOSY_JOIN_TOKEN/);
});
