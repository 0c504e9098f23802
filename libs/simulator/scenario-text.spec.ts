import { inventoryOf } from './inventory-plan';
import { parseScenario } from './scenario-text';

const whole = `# A guest pinned to two hosts starts on the first to return.
host h1 4096
host h2 4096 cpu 1500
set balance.automation manual
guest db 2048 on h1 must h1 h2 priority high load 300
guest web 64 dirty 20 32
rule apart db web
at 10 power h2 off
at 20.5 guest db crash
until 60
`;

test('a scenario is read whole', () => {
  const parsed = parseScenario(whole, 'x');
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  expect(parsed.value).toMatchObject({
    claim: 'A guest pinned to two hosts starts on the first to return.',
    hosts: [
      { name: 'h1', memoryMiB: 4096 },
      { name: 'h2', cpuMillicores: 1500 },
    ],
    guests: [
      { name: 'db', on: 'h1', restartPriority: 'high', workload: { loadPermille: 300 } },
      { name: 'web', workload: { dirtyMBps: 20, areaMiB: 32 } },
    ],
    rules: [
      { kind: 'must-run-on', guests: ['db'], hosts: ['h1', 'h2'] },
      { kind: 'apart', guests: ['db', 'web'] },
    ],
    settings: { balance: { automation: 'manual' } },
    untilMs: 60000,
  });
  expect(parsed.value.steps.map(({ atMs, text }) => [atMs, text])).toEqual([
    [10000, 'power h2 off'],
    [20500, 'guest db crash'],
  ]);
});

test('hosts and guests may be of another pool, and a rule is of the pool of its guests', () => {
  const text = 'host h1 64\nhost h2 64 pool far\nguest a 8 on h2 pool far\nguest b 8 pool far\nrule apart a b\nuntil 1';
  const parsed = parseScenario(text, 'x');
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  const { pools, hosts, guests, rules } = inventoryOf(parsed.value);
  expect(pools.map(({ name }) => name)).toEqual(['main', 'far']);
  expect([...hosts, ...guests, ...rules].map(({ poolId }) => poolId)).toEqual(['main', 'far', 'far', 'far', 'far']);
});

test.each([
  ['hots h1 4096\nuntil 1', 'f:1: expected host, guest, datastore, rule, set, at, until, found "hots"'],
  ['host h1 much\nuntil 1', 'f:1: expected its memory in MiB, a number, found "much"'],
  ['host h1 4096\nhost h1 4096\nuntil 1', 'f:2: expected a new name, "h1" is taken'],
  ['host h1 4096\nguest g 64 on h9\nuntil 1', 'f:2: expected a host (h1), found "h9"'],
  ['host h1 4096\nat 5 power h1 sideways\nuntil 1', 'f:2: expected on, off, found "sideways"'],
  [
    'host h1 4096\nat 5 power h1 off\nat 4 power h1 on\nuntil 9',
    'f:3: expected a time from 5 on, since steps stand in their order, found 4',
  ],
  ['host h1 4096\nat 5 power h1 off now\nuntil 9', 'f:2: expected the end of the line, found "now"'],
  ['host h1 4096\nset balance.speed 3\nuntil 9', 'f:2: expected balance.automation'],
  ['host h1 4096\nset balance.threshold 9\nuntil 9', 'f:2: expected a number from 1 to 5, found 9'],
  ['host h1 4096\nset power.offShare 60\nuntil 9', 'f:2: expected a number from 0 to 1, found 60'],
  ['host h1 4096\nguest g 64 shares many\nuntil 9', 'f:2: expected shares, a number, found "many"'],
  ['until 9', 'f:1: expected at least one host, found none'],
  ['host h1 4096', 'f:1: expected "until <seconds>", found the end of the file'],
])('%j is refused with its line and what was expected', (text, message) => {
  const parsed = parseScenario(text, 'f');
  expect(parsed.ok ? '' : parsed.refusal.message).toContain(message);
});
