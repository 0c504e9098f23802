import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const guests = join(__dirname, '../../guests');
const programs = [
  { program: 'tiny/tiny.elf', script: 'tiny/build.sh', prefix: '', flags: ['-m32'], packages: 'gcc gcc-multilib' },
  { program: 'linux/argosy-guest', script: 'linux/build-guest.sh', prefix: '', flags: ['-m64'], packages: 'gcc' },
  { program: 'linux/argosy-http', script: 'linux/build-guest.sh', prefix: '', flags: ['-m64'], packages: 'gcc' },
  ...['machine.elf', 'paravirtual.elf'].map((name) => ({
    program: `machine/${name}`,
    script: 'machine/build.sh',
    prefix: 'riscv64-unknown-elf-',
    flags: ['-march=rv32im_zicsr', '-mabi=ilp32'],
    packages: 'gcc-riscv64-unknown-elf',
  })),
];

function toolchain(prefix: string, flags: string[]): string | undefined {
  const probe = spawnSync(`${prefix}gcc`, [...flags, '-x', 'c', '-c', '-o', '/dev/null', '-'], { input: 'int x;' });
  if (probe.status !== 0) return undefined;
  const firstLine = (program: string) => execFileSync(`${prefix}${program}`, ['--version']).toString().split('\n')[0];
  return `${firstLine('gcc')}\n${firstLine('ld')}\n`;
}

describe.each(programs)('the checked-in $program', ({ program, script, prefix, flags, packages }) => {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-build-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const build = () => {
    const out = join(folder, 'program');
    execFileSync(join(guests, script), [out, basename(program)]);
    return readFileSync(out);
  };
  const here = toolchain(prefix, flags);
  const recorded = readFileSync(join(guests, program, '../toolchain.txt'), 'utf8');

  if (here === undefined) {
    it.skip(`is what its source gives (skipped: ${prefix}gcc ${flags.join(' ')} is not here; apt-get install ${packages})`, () => undefined);
  } else if (here !== recorded) {
    it(`can be built and is small (bytes not compared: it was built by ${recorded.split('\n')[0]}, not by what is here)`, () => {
      expect(build().length).toBeLessThan(20480);
    });
  } else {
    it('is what its source gives, byte for byte', () => {
      expect(build().equals(readFileSync(join(guests, program)))).toBe(true);
    });
  }
});
