import { runScenario } from './scenario';
import { parseScenario } from './scenario-text';

const text = `# A host is lost and comes back.
host h1 4096
host h2 4096
guest web 256
at 20 power h1 off
at 40 power h1 on
until 60
`;

test('a scenario is told as it happens: what comes after a step is told after it is done', () => {
  const parsed = parseScenario(text, 'a scenario');
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  const seen: string[] = [];
  const steps = parsed.value.steps.map((step) => ({
    ...step,
    action: (...given: Parameters<typeof step.action>) => {
      seen.push(`done: ${step.text}`);
      step.action(...given);
    },
  }));
  const { log } = runScenario({ ...parsed.value, steps }, (line) => seen.push(line));
  const done = parsed.value.steps.map((step) => `done: ${step.text}`);
  expect(seen.filter((line) => !done.includes(line))).toEqual(log);
  const [lost, back] = done.map((line) => seen.indexOf(line));
  expect(seen[lost! - 1]).toContain(`! ${parsed.value.steps[0]!.text}`);
  expect(back! - lost!).toBeGreaterThan(2);
  expect(seen.length - back!).toBeGreaterThan(2);
});
