import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fence, type FenceRequest } from '../../apps/controller/src/fence/fence-devices';

// A program of the fence-agents project itself, Debian's, with its own way of reading options and telling what became of it:
// fence_dummy, whose power strip is a file.

const agentFolder = process.env['FENCE_AGENTS_FOLDER'] ?? '/usr/sbin';
let folder: string;
let outlet: string;
beforeAll(() => {
  if (!existsSync(join(agentFolder, 'fence_dummy')))
    throw new Error(
      `${agentFolder} has no fence_dummy: apt-get install fence-agents, or name its folder in FENCE_AGENTS_FOLDER`,
    );
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argosy-agents-'));
  outlet = join(folder, 'outlet');
  writeFileSync(outlet, 'on');
});
afterEach(() => rmSync(folder, { recursive: true }));

function ask(action: 'off' | 'on', options: Record<string, string>): ReturnType<typeof fence> {
  const device = {
    name: 'dummy', kind: 'fence-agent', address: 'fence_dummy', options, secretNames: [], deadlineMs: 30_000, setBy: 'administrator',
  } as const; // prettier-ignore
  const request: FenceRequest = { hostId: 'id1', action, hostName: 'h1', incarnation: 7, term: 3, secrets: {}, device };
  return fence(request, { isCurrent: () => Promise.resolve(true), agentFolders: [agentFolder] });
}

test('it switches off, and on again, and its status is the proof', async () => {
  const options = { type: 'file', status_file: outlet };
  expect(await ask('off', options)).toEqual({ ok: true, value: null });
  expect(readFileSync(outlet, 'utf8')).toBe('off');
  expect(await ask('on', options)).toEqual({ ok: true, value: null });
  expect(readFileSync(outlet, 'utf8')).toBe('on');
}, 60_000);

test('what it says of a failure is the reason', async () => {
  expect(await ask('off', { type: 'fail' })).toMatchObject({
    ok: false,
    refusal: {
      code: 'fence-failed',
      message: expect.stringMatching(/fence_dummy could not switch h1 off: .*status 1/),
    },
  });
}, 60_000);
