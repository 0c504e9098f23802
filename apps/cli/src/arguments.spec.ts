import { locate, parseArguments, unknownCommand } from './arguments';
import { commands } from './commands';
import { command, type Command } from './command';
import { Failure } from './failure';

const sample = command({
  path: 'thing do',
  summary: '',
  parameters: [
    { name: 'guest', names: 'guest' },
    { name: 'kind', choices: ['soft', 'hard'], optional: true },
  ],
  flags: {
    at: { type: 'instant', summary: '' },
    memory: { type: 'memory', summary: '' },
    hosts: { type: 'texts', summary: '' },
    force: { type: 'flag', short: 'f', summary: '' },
  },
  run: async () => 'done',
});
const parse = (...args: string[]) => parseArguments(sample, args, 1_000_000);

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
  }
  throw new Error('it was not refused');
}

describe('finding the command', () => {
  test.each([
    ['guest list', 'guest list', []],
    ['guests ls -o json', 'guest list', ['-o', 'json']],
    ['-o json guest list', 'guest list', ['-o', 'json']],
    ['--server http://x guest show web', 'guest show', ['--server', 'http://x', 'web']],
    ['vm rm web', 'guest delete', ['web']],
    ['host maintenance enter h1', 'host maintenance enter', ['h1']],
    ['pool roll prod --plan', 'pool roll start', ['prod', '--plan']],
    ['pool roll stop prod', 'pool roll stop', ['prod']],
    ['balance recommendations', 'balance recommendations list', []],
    ['host power off h1', 'lab power', ['off', 'h1']],
    ['guest history web', 'guest placements', ['web']],
  ])('%s', (line, path, rest) => {
    expect(locate(line.split(' '), commands)).toMatchObject({ path, rest });
  });

  test.each([
    ['gest list', 'Did you mean "guest"?'],
    ['guest lits', 'Did you mean "list"?'],
    ['host maintenance entr', 'Did you mean "enter"?'],
    ['guest frobnicate', 'See "argosy help guest".'],
  ])('%s is no command', (line, advice) => {
    const failure = unknownCommand(locate(line.split(' '), commands), commands) as Failure;
    expect(failure.more.advice).toBe(advice);
    expect(failure.exit).toBe('usage');
  });
});

describe('reading flags and parameters', () => {
  test('values have their types', () => {
    const { flags, parameters } = parse(
      'guest/web',
      'hard',
      '--memory',
      '2G',
      '--hosts',
      'h1,h2',
      '--hosts=h3',
      '-f',
      '--at',
      '-10s',
    );
    expect(flags).toMatchObject({ memory: 2048, hosts: ['h1', 'h2', 'h3'], force: true, at: 990_000, yes: false });
    expect(parameters).toEqual({ guest: 'web', kind: 'hard' });
  });

  test.each([
    [['web', '--forse'], 'There is no flag --forse here.', 'Did you mean "--force"?'],
    [['web', '--memory'], '--memory needs a value: --memory <size>.', ''],
    [['web', '--memory', '--force'], '--memory needs a value: --memory <size>.', ''],
    [['web', '--memory', 'big'], '--memory must be a size in whole MiB, like 512, 512M or 2G, and is "big".', ''],
    [['web', '--force=yes'], '--force takes no value, and was given "yes".', ''],
    [['web', '--memory', '1', '--memory', '2'], '--memory was given twice.', ''],
    [['web', 'hrad'], '"hrad" is not one of soft, hard.', 'Did you mean "hard"?'],
    [['web', 'hard', 'more'], '"more" is too much here: argosy thing do <guest> [soft|hard] [flags]', ''],
    [[], '"argosy thing do" needs a guest: argosy thing do <guest> [soft|hard] [flags]', ''],
    [['-o', 'xml', 'web'], '--output must be one of table, wide, json, yaml, name, and is "xml".', ''],
  ])('%j is refused', (args, message, advice) => {
    const failure = failureOf(() => parse(...args));
    expect(failure.message).toBe(message);
    expect(failure.more.advice).toBe(advice);
  });

  test('what follows -- is no flag', () => {
    expect(parse('--', '--force').parameters).toMatchObject({ guest: '--force' });
  });
});

describe('the table of commands', () => {
  const names = (one: Command) => [one.path, ...(one.aliases ?? [])];

  test('no name stands for two commands', () => {
    const all = commands.flatMap(names);
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
  });

  test.each(commands.map((one) => [one.path, one] as const))(
    '%s can be found, and its examples can be read',
    (path, one) => {
      for (const name of names(one)) expect(locate(name.split(' '), commands).command).toBe(one);
      expect(one.summary).not.toBe('');
      for (const example of one.examples ?? []) {
        const [line = ''] = example.split(/ [|>] /);
        const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
        const { command: found, rest } = locate(words, commands);
        expect(found).toBeDefined();
        expect(() => parseArguments(found as Command, rest, Date.now())).not.toThrow();
      }
      expect(path).toBe(one.path);
    },
  );
});
