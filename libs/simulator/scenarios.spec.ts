import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runScenario } from './scenario';
import { parseScenario } from './scenario-text';

const root = join(__dirname, '../../scenarios');

function scenarioFolders(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('scenario.txt'))
    .map((path) => join(root, path, '..'))
    .sort();
}

/**
 * The folder's name is the claim, the log is the assertion. `UPDATE=1` writes the logs anew: read what changed before it is
 * committed. Whatever a log says, the invariants must hold.
 */
describe.each(scenarioFolders().map((folder) => [relative(root, folder), folder]))('%s', (_claim, folder) => {
  test('the log is as expected, and every invariant holds', () => {
    const file = join(folder, 'scenario.txt');
    const parsed = parseScenario(readFileSync(file, 'utf8'), relative(root, file));
    if (!parsed.ok) throw new Error(parsed.refusal.message);
    const run = runScenario(parsed.value);
    expect(run.violations).toEqual([]);
    const expected = join(folder, 'expect.log');
    const log = `${run.log.join('\n')}\n`;
    if (process.env['UPDATE'] === '1') writeFileSync(expected, log);
    if (!existsSync(expected))
      throw new Error(`${expected} is missing; read what the scenario says, then write it with UPDATE=1`);
    expect(log).toBe(readFileSync(expected, 'utf8'));
  });
});
