import { ruleKinds } from '@argosy/domain/entities';
import { parseScenario } from '../scenario-text';
import { generateSoak } from './generate';

const texts = Array.from({ length: 300 }, (_, index) => generateSoak(index + 1));

test('every soak is a scenario that can be read', () => {
  for (const text of texts) expect(parseScenario(text, 'soak')).toMatchObject({ ok: true });
});

test('soaks are of full hosts and empty ones, with all that a pool may be told and all that may happen to it', () => {
  const wanted = [
    ...ruleKinds.filter((kind) => kind !== 'should-not-run-on').map((kind) => `rule ${kind}`),
    ...[' domain rack', ' cpu-model ', ' failover-only', ' pool other', ' reserve ', ' priority '],
    ...['set balance.vcpuRatio', 'set power.automation automatic', 'set failure.admission failover-hosts'],
    ...[' slow ', 'controller cut datastore', 'roll restart', 'standby h1 on', ' balance\n'],
  ];
  for (const words of wanted) expect(texts.filter((text) => text.includes(words)).length).toBeGreaterThan(2);
});
