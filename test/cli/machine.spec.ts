import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble } from '@argosy/machine/assembler';
import { elfFile } from '@argosy/machine/testing';
import { runInProcess } from './in-process';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'argosy-machine-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function machine(...args: string[]) {
  return runInProcess(['machine', ...args], { folder });
}

function program(result: number): Uint8Array {
  const { bytes, labels } = assemble(`
      la t0, tohost
      li t1, ${result}
      sw t1, 0(t0)
    stay: j stay
    tohost: .word 0`);
  return elfFile(bytes, 0x80000000, new Map([['tohost', labels.get('tohost')!]]));
}

test('classify names what stands against each theorem, with a witness', async () => {
  const { status, out } = await machine('classify', '--variant', 'unprivileged-reads,hybrid');
  expect(status).toBe(0);
  expect(out).toMatch(/^unprivileged-reads: user mode reads some control registers/m);
  expect(out).toMatch(
    /^ {2}not privileged, sensitive: location\n {4}csrr mbase\n {4}csrr mbase \(0x[0-9a-f]{8}\), in user mode: at base 0x/m,
  );
  expect(out).toMatch(
    /^ {2}Theorem 1 \(virtualizable\) fails: 5 sensitive instructions are not privileged \(csrr mstatus, /m,
  );
  expect(out).toMatch(/^ {2}Theorem 1 \(virtualizable\) fails: 1 sensitive instruction is not privileged \(jrum\)\.$/m);
  expect(out).toMatch(
    /^ {2}Theorem 3 \(hybrid virtualizable\) holds: every user-sensitive instruction is privileged\.$/m,
  );
});

test('the programs of a folder are judged, at each depth and with each engine that was asked for, and other files are passed over', async () => {
  writeFileSync(join(folder, 'good'), program(1));
  writeFileSync(join(folder, 'good.dump'), 'a listing');
  const good = await machine('test', '.', '--depth', '0,1,2');
  expect(good).toMatchObject({ status: 0 });
  expect(
    good.out.match(/^passed {2}good at depth [012], (interpreter|translator) \(\d+ instructions\)$/gm),
  ).toHaveLength(6);
  writeFileSync(join(folder, 'wrong'), program(15));
  const wrong = await machine('test', '.');
  expect(wrong.status).toBe(8);
  expect(wrong.out).toContain('FAILED  wrong at depth 1, translator: test 7 failed\n4 passed, 4 failed.\n');
});

test('in a folder of public tests only those for this machine are run, and one that cannot be loaded has failed', async () => {
  const isa = join(folder, 'isa');
  mkdirSync(isa);
  for (const name of ['rv32ui-p-add', 'rv32um-p-mul', 'rv32ui-v-add', 'rv64ui-p-add', 'rv32mi-p-csr', 'rv32ua-p-lrsc'])
    writeFileSync(join(isa, name), program(name === 'rv32ui-p-add' || name === 'rv32um-p-mul' ? 1 : 3));
  const { status, out } = await machine('test', 'isa', '--depth', '0', '--engine', 'translator');
  expect([status, out.match(/^(passed|FAILED)/gm)]).toEqual([0, ['passed', 'passed']]);
  expect(out).toContain('2 passed, 0 failed. 4 programs for other machines were passed over.\n');
  writeFileSync(join(isa, 'rv32ui-p-sub'), program(1).slice(0, 90));
  const cut = await machine('test', 'isa', '--depth', '0', '--engine', 'translator');
  expect(cut.status).toBe(8);
  expect(cut.out).toContain(
    'FAILED  rv32ui-p-sub at depth 0, translator: The program cannot be loaded: its headers point outside the file',
  );
});

test.each([
  [['test', 'nowhere'], 5, 'nowhere cannot be read (ENOENT).'],
  [['test', 'good', '--depth', '7'], 2, '--depth is one or more of 0 to 4, such as --depth 0,1.'],
  [['test', 'good.dump'], 1, 'good.dump: The program cannot be loaded: it is no ELF file.'],
  [['classify', '--variant', 'other'], 2, 'unprivileged-reads'],
])('what cannot be done is said: %j', async (args, status, sentence) => {
  const ran = await machine(...args);
  expect([ran.status, ran.err]).toEqual([status, expect.stringContaining(sentence)]);
});

describe('the tour', () => {
  const heads = (text: string) => text.match(/^\d+\/10 {2}.*$/gm);

  test('is ten screens one below the other where there is no terminal, or with --plain', async () => {
    const piped = await machine('tour');
    expect(piped.status).toBe(0);
    expect(heads(piped.out)).toHaveLength(10);
    expect(piped.out).toContain('10/10  A migration, page by page');
    // eslint-disable-next-line no-control-regex -- that there are none is the claim
    expect(piped.out).not.toMatch(/\x1b/);
    const plain = await runInProcess(['machine', 'tour', '--plain'], {
      folder,
      typed: [],
    });
    expect(plain.out).toContain('\x1b[1m10/10  A migration, page by page\x1b[0m\n');
  });

  test('goes forward, back and to a number by keys, stays at its ends, and leaves the terminal as it was', async () => {
    const keys = ['b', 'n', ' ', 'b', '\x1b[C', '0', 'n', '8', 'x', 'q', 'n'];
    const { status, out } = await runInProcess(['machine', 'tour', '--no-color'], { folder, keys });
    expect(status).toBe(0);
    const visited = [...out.matchAll(/(\d+)\/10 {2}/g)].map(([, number]) => Number(number));
    expect(visited).toEqual([1, 2, 3, 2, 3, 10, 8]);
    expect(out.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
  });
});
