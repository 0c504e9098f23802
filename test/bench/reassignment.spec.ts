// The benchmark's reader, evaluator and program, on an instance that is worked out by hand.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from '../../bench/reassignment/evaluate.mjs';
import { readInstance } from '../../bench/reassignment/read.mjs';
import { ensureBuilt, root } from '../fleet/build';

/** Two resources, the first transient; three machines; service 0 has processes 0 and 1, service 1 has process 2 and needs service 0 near it. */
const model = [
  '2  1 10  0 5',
  '3',
  '0 0  20 10  10 4  0 1 2',
  '0 1  20 10  10 4  1 0 2',
  '1 1  20 10  12 4  2 2 0',
  '2',
  '2 0',
  '1 1 0',
  '3',
  '0 8 2 7',
  '0 4 1 3',
  '1 6 3 2',
  '1',
  '0 1 2 4',
  '1 10 100',
].join('\n');

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'argosy-reassignment-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(texts: { model?: string; assignment?: string }): [string, string] {
  const files: [string, string] = [join(folder, 'model_t_1.txt'), join(folder, 'assignment_t_1.txt')];
  writeFileSync(files[0], texts.model ?? model);
  writeFileSync(files[1], texts.assignment ?? '0 1 0\n');
  return files;
}

test('the cost of an assignment is the sum that the problem statement says', () => {
  const instance = readInstance(...write({}));
  // Use is (14, 5), (4, 1), (0, 0): load 10·4 + 5·1; balance 4·(2·6 − 5) + 4·(2·16 − 9) + 4·(2·20 − 10).
  expect(evaluate(instance, [0, 1, 0])).toEqual({ cost: 45 + 28 + 92 + 120, violations: [] });
  // Process 2 goes to machine 1: use (8, 2), (10, 4), (0, 0); the moves cost 1·2 + 10·1 + 100·1.
  expect(evaluate(instance, [0, 1, 1])).toEqual({ cost: 4 * (24 - 8) + 4 * (20 - 6) + 120 + 112, violations: [] });
});

test.each([
  [[0, 0, 0], 'two processes of service 0 are on machine 0'],
  [[1, 2, 1], 'service 0 is in 1 locations, and 2 is the least'],
  [[0, 1, 2], 'service 1 is in neighbourhood 1, where service 0 is not, on which it depends'],
  [[0, 1, 3], 'process 2 is on machine 3, which does not exist'],
])('an assignment that breaks a rule is told which: %j', (assignment, violation) => {
  expect(evaluate(readInstance(...write({})), assignment).violations).toContain(violation);
});

test('a transient resource is held on the machine that a process leaves as well', () => {
  const tight = model.replace('0 8 2 7', '0 17 2 7').replace('1 6 3 2', '1 3 3 2');
  const violations = evaluate(readInstance(...write({ model: tight })), [2, 0, 0]).violations;
  expect(violations).toContain('machine 0 holds 24 of resource 0 and has a capacity of 20');
});

test.each([
  [
    'a word for a number',
    { model: model.replace('0 8 2 7', '0 eight 2 7') },
    /model_t_1.txt, line 10: "eight" where process 0's requirements of 2 resources should be/,
  ],
  [
    'a file that ends',
    { model: model.slice(0, -4) },
    /line 15: the file ends where the weight of machine moves should be/,
  ],
  ['more than there should be', { model: `${model} 7` }, /line 15: "7" follows the weights; nothing should/],
  [
    'a negative number',
    { model: model.replace('20 10', '-20 10') },
    /line 3: "-20" where machine 0's capacity of resource 0 should be, a non-negative integer/,
  ],
  [
    'a service that is not there',
    { model: model.replace('1 6 3 2', '2 6 3 2') },
    /line 12: "2" where process 2's service should be, an integer from 0 to 1/,
  ],
  [
    'a machine that is not there',
    { assignment: '0 1 3\n' },
    /assignment_t_1.txt, line 1: "3" where process 2's machine should be, an integer from 0 to 2/,
  ],
  ['too few machines', { assignment: '0 1' }, /line 1: the file ends where process 2's machine should be/],
])('what is wrong in a file is told with its place: %s', (_what, texts, message) => {
  expect(() => readInstance(...write(texts))).toThrow(message);
});

/** The program's status and what it said. */
function bench(...options: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const args = [join(root, 'bench/reassignment/main.mjs'), folder, '--answers', join(folder, 'answers'), ...options];
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: root }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

test('the program writes the cheapest assignment of a small instance, and it costs what is printed', async () => {
  await ensureBuilt();
  const files = write({});
  const { status, stdout } = await bench('--seconds', '1', '--json');
  expect(status).toBe(0);
  const line = JSON.parse(stdout) as { instance: string; cost: number; seconds: number };
  const answer = readFileSync(join(folder, 'answers/assignment_t_1.txt'), 'utf8').trim().split(' ').map(Number);
  const instance = readInstance(...files);
  expect(evaluate(instance, answer)).toEqual({ cost: line.cost, violations: [] });
  // All 27 assignments are few enough to look at.
  const costs = Array.from({ length: 27 }, (_unused, code) => [
    code % 3,
    Math.floor(code / 3) % 3,
    Math.floor(code / 9),
  ])
    .map((assignment) => evaluate(instance, assignment))
    .flatMap(({ cost, violations }) => (violations.length === 0 ? [cost] : []));
  expect(line.cost).toBe(Math.min(...costs));
  expect(line.instance).toBe('t_1');
});

test('an assignment that is not feasible at first is refused with its place and the constraint, and nothing before it is solved', async () => {
  await ensureBuilt();
  write({ assignment: '0 0 0' });
  for (const kind of ['model', 'assignment'])
    writeFileSync(join(folder, `${kind}_s_1.txt`), kind === 'model' ? model : '0 1 0');
  const { status, stdout, stderr } = await bench('--seconds', '1', '--json');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('assignment_t_1.txt, line 1: two processes of service 0 are on machine 0');
  expect(stderr).toContain('where an assignment should be that breaks none');
});
