// The measurement itself, with fewer migrations: a guest that serves HTTP moves back and forth under constant requests.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt, root } from '../fleet/build';

test('no HTTP request fails while the guest that answers migrates back and forth', async () => {
  await ensureBuilt();
  const args = [join(root, 'bench/main.mjs'), 'survive', '--only', 'http', '--json', '--as-built', '--quick'];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  const figures = output
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { name: string; value: number | null });
  const valueOf = (name: string) => figures.find((figure) => figure.name.endsWith(name))?.value;
  expect(valueOf('http.failed')).toBe(0);
  console.log(`longest gap between two answers: ${valueOf('http.gap-longest')} ms`);
});
