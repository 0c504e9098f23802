import { hostKeyOf, sign } from '@argosy/contracts/host-key';
import { heartbeatText } from '@argosy/contracts/telemetry';
import type { HostReport } from '@argosy/domain/host-report';
import * as fc from 'fast-check';
import { hearMessage, Unheard } from './telemetry';

// What comes over a channel that every host may speak on: nothing of it ends the controller, and nothing is heard that its
// host did not sign.

const fleetSecret = 'secret of the fleet';
const keyOf = (hostId: string) => hostKeyOf(fleetSecret, hostId);

const report: HostReport = { hostId: 'h1', incarnation: 1, sequence: 1, sentAt: 1, capacity: { cpuMillicores: 1, memoryMiB: 1 }, guests: [], migrations: [], cpuMillicores: 0, isolation: null, health: null, run: null, datastores: [], diskWork: [], term: 1, queue: 'q', refusals: [] }; // prettier-ignore

function hear(text: string): unknown[] {
  const heard: unknown[] = [];
  const listener = {
    fleetSecret,
    onReport: (each: unknown) => heard.push(each),
    onHeartbeats: (each: readonly unknown[]) => heard.push(...each),
    onHeartbeat: (each: unknown) => heard.push(each),
  };
  try {
    hearMessage(text, listener, keyOf);
  } catch (error) {
    if (!(error instanceof Unheard)) throw error;
  }
  return heard;
}

const signedReport = (text: string, hostId = 'h1', key = keyOf('h1')): string =>
  JSON.stringify({ kind: 'host-report', hostId, text, signature: sign(key, 'report', text) });

test('a report that its host signed is heard, also from a host whose health check has not ended yet', () => {
  const { health: _health, ...early } = report;
  for (const each of [report, early]) expect(hear(signedReport(JSON.stringify(each)))).toEqual([each]);
});

test('no text on the channel is heard, or ends who listens, unless it is signed', () => {
  const likeMessage = fc.record(
    {
      kind: fc.constantFrom('host-report', 'host-heartbeats', 'controller-heartbeat', '__proto__', ''),
      hostId: fc.oneof(fc.constant('h1'), fc.jsonValue()),
      text: fc.oneof(fc.constant(JSON.stringify(report)), fc.string(), fc.jsonValue()),
      signature: fc.oneof(fc.string(), fc.base64String(), fc.jsonValue()),
      heartbeats: fc.array(fc.jsonValue(), { maxLength: 3 }),
    },
    { requiredKeys: ['kind'] },
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.oneof(likeMessage, fc.jsonValue()).map((each) => JSON.stringify(each)),
  );
  fc.assert(
    fc.property(text, (said) => expect(hear(said)).toEqual([])),
    { numRuns: 500 },
  );
});

test('a change of one character of a signed message is no message', () => {
  const beat = { hostId: 'h1', incarnation: 1, sequence: 7, count: 3 };
  const beats = [{ ...beat, signature: sign(keyOf('h1'), 'host-heartbeat', heartbeatText(beat)) }];
  const messages = [
    signedReport(JSON.stringify(report)),
    JSON.stringify({ kind: 'host-heartbeats', heartbeats: beats }),
  ];
  const whole = [[report], [beat]];
  const change = fc.tuple(fc.constantFrom(0, 1), fc.nat(2_000), fc.string({ minLength: 1, maxLength: 1 }));
  fc.assert(
    fc.property(change, ([which, at, character]) => {
      const message = messages[which]!;
      const place = at % message.length;
      const heard = hear(`${message.slice(0, place)}${character}${message.slice(place + 1)}`);
      // A space between two words of JSON, or another name for what nobody reads, changes nothing of what is said.
      if (heard.length > 0) expect(heard).toMatchObject(whole[which]!);
    }),
    { numRuns: 500 },
  );
});

test('what a host signs itself is heard in the shape of a report, and as its own', () => {
  const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.double(), fc.string(), fc.constant(null));
  const change = fc.tuple(fc.constantFrom(...Object.keys(report)), value);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
      const text = JSON.stringify({ ...report, ...Object.fromEntries(changes) });
      for (const each of hear(signedReport(text)) as HostReport[]) {
        expect(each.hostId).toBe('h1');
        for (const number of [each.incarnation, each.sequence, each.term])
          expect(Number.isSafeInteger(number)).toBe(true);
      }
      expect(hear(signedReport(text, 'h2'))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
