import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { readSettings as readAgentSettings } from '../../apps/agent/src/settings';
import { readSettings as readControllerSettings } from '../../apps/controller/src/settings';

// No container engine runs here, so what can be wrong without one is looked for by reading: a path that is copied and not
// there, a variable that no program reads, a value that a program refuses, a command that starts a file nobody builds.

const root = join(__dirname, '../..');
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const packages = JSON.parse(textOf('package.json')) as { bin: Record<string, string> };

// ESLint brings js-yaml with it, and only this test reads YAML.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { load } = require('js-yaml') as { load(text: string): unknown };

interface Stage {
  readonly name: string;
  readonly from: string;
  /** Each: the instruction and the rest of its line. */
  readonly lines: (readonly [string, string])[];
}

function readStages(text: string): Stage[] {
  const stages: Stage[] = [];
  const whole = text.replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ');
  for (const line of whole.split('\n').filter((each) => each.trim() !== '')) {
    const [, instruction = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const [, from = '', name = ''] = /^(\S+) AS (\S+)$/.exec(rest) ?? [];
    if (instruction === 'FROM') stages.push({ name, from, lines: [] });
    else stages.at(-1)?.lines.push([instruction, rest]);
  }
  return stages;
}

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly hostname?: string;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const stages = readStages(textOf('Dockerfile'));
const stageOf = (name: string) => stages.find((stage) => stage.name === name);
const compose = load(textOf('docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const agents = services.filter(([, { build }]) => build?.target === 'agent');
const controllers = services.filter(([name, { build }]) => build?.target === 'controller' && name !== 'setup');

/** What the stage has from its ancestors and by itself. */
function linesOf(stage: Stage | undefined): readonly (readonly [string, string])[] {
  return stage === undefined ? [] : [...linesOf(stageOf(stage.from)), ...stage.lines];
}

function environmentOf(target: string): Record<string, string> {
  const set = linesOf(stageOf(target)).filter(([instruction]) => instruction === 'ENV');
  const pairs = set.flatMap(([, rest]) => [...rest.matchAll(/(\w+)=(\S+)/g)]);
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}

/** As compose puts secrets in, with something in the place of each. */
function filledIn(environment: Readonly<Record<string, string>> = {}): Record<string, string> {
  const fill = (text: string) => text.replace(/\$\{\w+(:\?[^}]*)?\}/g, '0123456789abcdef');
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)]));
}

function namesIn(settingsFile: string): Set<string> {
  return new Set([...textOf(settingsFile).matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name = '']) => name));
}

describe('the Dockerfile', () => {
  const copies = stages.flatMap((stage) =>
    stage.lines
      .filter(([instruction]) => instruction === 'COPY')
      .map(([, rest]) => ({ stage: stage.name, words: rest.split(/\s+/) })),
  );
  const fromRepository = copies.filter(({ words }) => !words[0]?.startsWith('--from='));
  const fromStage = copies.filter(({ words }) => words[0]?.startsWith('--from='));

  test.each(fromRepository.flatMap(({ words }) => words.slice(0, -1)))('%s is copied, and is there', (path) => {
    expect(existsSync(join(root, path))).toBe(true);
    const ignored = textOf('.dockerignore').split('\n');
    expect(ignored).not.toContain(path);
  });

  test('what comes from the build was copied there or is made there', () => {
    for (const { words } of fromStage) {
      expect(words[0]).toBe('--from=build');
      const path = words[1]?.replace(/^\/build\//, '') ?? '';
      const made = ['node_modules', 'dist'];
      const copied = fromRepository.filter(({ stage }) => stage === 'build').flatMap(({ words: each }) => each);
      expect([...made, ...copied]).toContain(path);
    }
  });

  test('every stage stands on an image or on a stage before it', () => {
    stages.forEach(({ from }, index) => {
      const earlier = stages.slice(0, index).map(({ name }) => name);
      expect(from.includes(':') || earlier.includes(from)).toBe(true);
    });
  });

  test.each(['controller', 'agent'])('%s starts what the build makes, and not as root', (target) => {
    const lines = linesOf(stageOf(target));
    const command = lines.findLast(([instruction]) => instruction === 'CMD')?.[1] ?? '[]';
    const words = JSON.parse(command) as string[];
    const [, built] = /dist\/(apps\/\w+\/src\/main)\.js/.exec(words.join(' ')) ?? [];
    expect(built).toBe(`apps/${target}/src/main`);
    expect(existsSync(join(root, `${built}.ts`))).toBe(true);
    const user = lines.findLast(([instruction]) => instruction === 'USER');
    expect(user?.[1]).toBe('argosy');
    const health = lines.findLast(([instruction]) => instruction === 'HEALTHCHECK')?.[1] ?? '';
    const check = JSON.parse(health.slice(health.indexOf('CMD ') + 4)) as string[];
    expect(() => new Script(check[2] ?? '')).not.toThrow();
  });

  test('the command line is where the image says', () => {
    expect(
      linesOf(stageOf('controller')).some(([, rest]) => rest.includes(`/opt/argosy/${packages.bin['argosy']}`)),
    ).toBe(true);
    expect(existsSync(join(root, packages.bin['argosy'] ?? ''))).toBe(true);
  });
});

describe('docker-compose.yml', () => {
  test('builds targets that the Dockerfile has, one image name for each', () => {
    const imageOf = new Map<string, Set<string>>();
    for (const [, { build, image }] of services) {
      if (!build) continue;
      expect(stageOf(build.target)).toBeDefined();
      imageOf.set(build.target, (imageOf.get(build.target) ?? new Set()).add(image));
    }
    expect([...imageOf].map(([target, images]) => [target, [...images]])).toEqual(
      expect.arrayContaining([
        ['controller', ['argosy-controller']],
        ['agent', ['argosy-agent']],
      ]),
    );
    expect(imageOf.size).toBe(2);
  });

  test.each(agents)('%s is told only what an agent reads, and all that it needs', (name, { environment, hostname }) => {
    const known = namesIn('apps/agent/src/settings.ts');
    expect(Object.keys(environment ?? {}).filter((each) => !known.has(each))).toEqual([]);
    const settings = readAgentSettings({ ...environmentOf('agent'), ...filledIn(environment) });
    expect(settings).toMatchObject({ hostName: name, poolName: 'docker', fenceDevice: null, listenAddress: hostname });
    expect(hostname).toBe(name);
  });

  test.each(controllers)('%s is told only what a controller reads, and all that it needs', (_name, { environment }) => {
    const known = namesIn('apps/controller/src/settings.ts');
    expect(Object.keys(environment ?? {}).filter((each) => !known.has(each))).toEqual([]);
    const settings = readControllerSettings({ ...environmentOf('controller'), ...filledIn(environment) });
    expect(settings.publicUrl).toBe(compose.services['h1']?.environment?.['ARGOSY_CONTROLLER_URL']);
  });

  test('there are three hosts and one controller, and each thing waits for what it needs', () => {
    expect(agents.map(([name]) => name)).toEqual(['h1', 'h2', 'h3']);
    expect(controllers.map(([name]) => name)).toEqual(['controller']);
    for (const [, { depends_on: needs = {} }] of services)
      for (const needed of Object.keys(needs)) expect(Object.keys(compose.services)).toContain(needed);
  });

  test('volumes are declared, and states are shared with nobody', () => {
    const mounts = services.flatMap(([name, { volumes = [] }]) =>
      volumes.map((volume) => ({ name, parts: volume.split(':') })),
    );
    expect(new Set(mounts.map(({ parts }) => parts[0]))).toEqual(new Set(Object.keys(compose.volumes)));
    const states = mounts.filter(({ parts }) => parts[1] === '/var/lib/argosy/state' && parts[2] !== 'ro');
    expect(new Set(states.map(({ parts }) => parts[0])).size).toBe(states.length);
  });

  test('no secret is in it, and the API is open to this machine only', () => {
    const secrets = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|TOKEN|_URL$/.test(name)),
    );
    for (const [name, value] of secrets) {
      if (/PASSWORD|TOKEN/.test(name)) expect(value).toMatch(/^\$\{\w+:\?.+\}$/);
      else expect(value).not.toMatch(/:\/\/[^$@/]*:[^$@/]+@/);
    }
    for (const [, { ports = [] }] of services) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('the setup calls only what the command line has', () => {
    const script = compose.services['setup']?.command?.at(-1) ?? '';
    const asked = [...script.matchAll(/ask ((?:[a-z-]+ )?[a-z-]+) /g)].map(([, words = '']) => words);
    const commands = ['image', 'datastore', 'pool', 'access']
      .map((file) => textOf(`apps/cli/src/commands/${file}.ts`))
      .join('\n');
    expect(asked.length).toBeGreaterThan(5);
    for (const words of asked) expect(commands).toContain(`path: '${words}'`);
    for (const [, flag = ''] of script.matchAll(/ --([a-z-]+)/g))
      if (!['server', 'token-file'].includes(flag)) expect(commands).toMatch(new RegExp(`'?${flag}'?(:|,)`));
  });
});
