import * as fc from 'fast-check';
import type { Edge } from './edge';
import { fuzzedRoutes, fuzzRoute, fuzzSeed, hostileBytes, openFuzzedEdge, sendBytes } from './fuzz-edge';

// The same as fuzz.spec.ts, for minutes.

let edge: Edge;
const seed = fuzzSeed();
beforeAll(async () => {
  edge = await openFuzzedEdge();
}, 60_000);
afterAll(() => edge.stop());

test.each(fuzzedRoutes)(
  '%s is answered with no fault of ours, whatever it is sent',
  (name) => fuzzRoute(edge, name, { seed, numRuns: 300 }),
  180_000,
);

test('no bytes on the port end the controller or keep it from answering', async () => {
  const port = Number(new URL(edge.url).port);
  await fc.assert(
    fc.asyncProperty(hostileBytes, (bytes) => sendBytes(port, bytes)),
    { seed, numRuns: 5000, interruptAfterTimeLimit: 120_000 },
  );
  expect(await edge.send('GET', '/health', { token: null })).toMatchObject({ status: 200 });
}, 180_000);
