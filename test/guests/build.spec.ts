import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const source = join(__dirname, '../../guests/tiny');

function thisToolchain(): string | undefined {
  const probe = spawnSync('gcc', ['-m32', '-x', 'c', '-c', '-o', '/dev/null', '-'], { input: 'int x;' });
  if (probe.status !== 0) return undefined;
  const firstLine = (program: string) => execFileSync(program, ['--version']).toString().split('\n')[0];
  return `${firstLine('gcc')}\n${firstLine('ld')}\n`;
}

const toolchain = thisToolchain();
const checkedIn = readFileSync(join(source, 'toolchain.txt'), 'utf8');

describe('the checked-in tiny.elf', () => {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-tiny-build-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const build = () => {
    const out = join(folder, 'tiny.elf');
    execFileSync(join(source, 'build.sh'), [out]);
    return readFileSync(out);
  };

  if (toolchain === undefined) {
    it.skip('is what its source gives (skipped: gcc -m32 is not here; apt-get install gcc gcc-multilib)', () => undefined);
  } else if (toolchain !== checkedIn) {
    it(`is small (bytes not compared: built by ${checkedIn.split('\n')[0]}, not by what is here)`, () => {
      expect(build().length).toBeLessThan(16384);
    });
  } else {
    it('is what its source gives, byte for byte', () => {
      expect(build().equals(readFileSync(join(source, 'tiny.elf')))).toBe(true);
    });
  }
});
