import * as fc from 'fast-check';
import type { Edge } from './edge';
import { fuzzedRoutes, fuzzRoute, fuzzSeed, hostileBytes, openFuzzedEdge, sendBytes } from './fuzz-edge';

// A short look at what breaks the HTTP edge; fuzz.slow.spec.ts looks longer.

let edge: Edge;
const seed = fuzzSeed();
beforeAll(async () => {
  edge = await openFuzzedEdge();
}, 60_000);
afterAll(() => edge.stop());

test('no call of any route is answered with a fault of ours', async () => {
  for (const name of fuzzedRoutes) await fuzzRoute(edge, name, { seed, numRuns: 12 });
}, 60_000);

test('no bytes on the port end the controller or keep it from answering', async () => {
  const port = Number(new URL(edge.url).port);
  await fc.assert(
    fc.asyncProperty(hostileBytes, (bytes) => sendBytes(port, bytes)),
    { seed, numRuns: 40 },
  );
  expect(await edge.send('GET', '/health', { token: null })).toMatchObject({ status: 200 });
}, 30_000);
