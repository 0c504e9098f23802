import { parseArgs } from 'node:util';
import type { Instant } from '@argosy/domain/units';
import type { Command, Flag, Parameter } from './command';
import { usageFailure } from './failure';
import { didYouMean } from './nearest';
import { valueTypes, type ValueType } from './values';

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Every command takes these. */
export const globalFlags = {
  output: {
    type: 'text',
    short: 'o',
    choices: outputFormats,
    summary: 'how to print: table (default), wide, json, yaml, name',
  },
  'no-headers': { type: 'flag', summary: 'tables without their first line' },
  'no-color': { type: 'flag', summary: 'no colours (NO_COLOR does the same)' },
  yes: { type: 'flag', short: 'y', summary: 'do not ask before something is destroyed' },
  server: { type: 'text', placeholder: 'url', summary: 'the controller (ARGOSY_URL)' },
  token: { type: 'text', summary: 'the bearer token (ARGOSY_TOKEN); others can see it in the process list' },
  'token-file': { type: 'text', placeholder: 'file', summary: 'a file that holds the token' },
  lab: {
    type: 'text',
    placeholder: 'folder',
    summary: "the lab's folder (default .argosy, here or above; ARGOSY_LAB_FOLDER)",
  },
  help: { type: 'flag', short: 'h', summary: 'what the command does' },
} as const satisfies Record<string, Flag>;

const nounAliases: Readonly<Record<string, string>> = {
  vm: 'guest', vms: 'guest', node: 'host', nodes: 'host', cluster: 'pool', clusters: 'pool',
  alias: 'help', recommendation: 'balance recommendations', recommendations: 'balance recommendations',
}; // prettier-ignore
const verbAliases: Readonly<Record<string, string>> = {
  ls: 'list', get: 'show', describe: 'show', info: 'show', rm: 'delete', remove: 'delete', add: 'create', update: 'set', evacuate: 'maintenance enter',
}; // prettier-ignore

export interface Located {
  /** The words that were understood, in their proper form. */
  readonly path: string;
  readonly command: Command | undefined;
  /** What is left: flags and parameters. */
  readonly rest: readonly string[];
  /** The first word that is no command. */
  readonly unknown: string | undefined;
}

function namesOf(command: Command): readonly string[] {
  return [command.path, ...(command.aliases ?? [])];
}

/** The words that may follow these ones. */
export function childrenOf(path: string, commands: readonly Command[]): string[] {
  const prefix = path === '' ? '' : `${path} `;
  const following = commands
    .filter((command) => !command.hidden)
    .flatMap((command) => [command.path])
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length).split(' ')[0] ?? '');
  return [...new Set(following)];
}

function isBeginning(path: string, commands: readonly Command[]): boolean {
  return commands.some((command) => namesOf(command).some((name) => name === path || name.startsWith(`${path} `)));
}

function properForm(path: string, word: string, commands: readonly Command[]): string | undefined {
  const join = (next: string) => (path === '' ? next : `${path} ${next}`);
  const forms = [word, (path === '' ? nounAliases : verbAliases)[word], word.replace(/s$/, '')];
  return forms.flatMap((form) => (form === undefined ? [] : [join(form)])).find((form) => isBeginning(form, commands));
}

function takesValue(argument: string, flags: Readonly<Record<string, Flag>>): boolean {
  if (argument.includes('=')) return false;
  const name = argument.replace(/^--?/, '');
  const flag = argument.startsWith('--') ? flags[name] : Object.values(flags).find(({ short }) => short === name);
  return flag !== undefined && flag.type !== 'flag';
}

/** Finds the command in the words; flags that every command has may stand before it. */
export function locate(args: readonly string[], commands: readonly Command[]): Located {
  const rest: string[] = [];
  let path = '';
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    if (argument === '--') return ended(path, [...rest, ...args.slice(index)], commands);
    if (argument.startsWith('-')) {
      rest.push(argument);
      if (takesValue(argument, globalFlags)) rest.push(...args.slice(++index, index + 1));
      continue;
    }
    const next = properForm(path, argument, commands);
    if (next === undefined) return ended(path, [...rest, ...args.slice(index)], commands, argument);
    path = next;
    const isWhole = commands.some((command) => namesOf(command).includes(path));
    const goesOn = commands.some((command) => namesOf(command).some((name) => name.startsWith(`${path} `)));
    if (isWhole && !goesOn) return ended(path, [...rest, ...args.slice(index + 1)], commands);
  }
  return ended(path, rest, commands);
}

function ended(path: string, rest: readonly string[], commands: readonly Command[], unknown?: string): Located {
  const command = commands.find((candidate) => namesOf(candidate).includes(path));
  return { path: command?.path ?? path, command, rest, unknown: command ? undefined : unknown };
}

export function unknownCommand({ path, unknown }: Located, commands: readonly Command[]): Error {
  const known = childrenOf(path, commands);
  if (unknown === undefined) {
    return usageFailure(`"argosy ${path}" needs one of: ${known.join(', ')}.`, `See "argosy help ${path}".`);
  }
  const said = path === '' ? unknown : `${path} ${unknown}`;
  const guess = didYouMean(unknown, known);
  return usageFailure(`"${said}" is not a command.`, guess || `See "argosy help${path && ` ${path}`}".`);
}

export interface ParsedArguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly parameters: Readonly<Record<string, string | readonly string[] | undefined>>;
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

function tokensOf(args: readonly string[], flags: Readonly<Record<string, Flag>>): readonly Token[] {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short }]) => [
      name,
      {
        type: type === 'flag' ? ('boolean' as const) : ('string' as const),
        multiple: true,
        ...(short ? { short } : {}),
      },
    ]),
  );
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** A value that looks like a flag is a value left out, unless it was joined with "=" or is a number, as in "--at -10m". */
function isMissing(token: OptionToken): boolean {
  return token.value === undefined || (!token.inlineValue && /^-[^\d]/.test(token.value));
}

function readFlag(name: string, text: string, { flag, now }: { readonly flag: Flag; readonly now: Instant }): unknown {
  if (flag.choices && !flag.choices.includes(text)) {
    throw usageFailure(
      `--${name} must be one of ${flag.choices.join(', ')}, and is "${text}".`,
      didYouMean(text, flag.choices),
    );
  }
  if (flag.type === 'flag' || flag.type === 'texts') return text;
  const valueType: ValueType<unknown> = valueTypes[flag.type];
  const value = valueType.parse(text, now);
  if (value === undefined) throw usageFailure(`--${name} must be ${valueType.form}, and is "${text}".`);
  return value;
}

function readOption(
  token: OptionToken,
  {
    values,
    known,
    now,
  }: {
    readonly values: Record<string, unknown>;
    readonly known: Readonly<Record<string, Flag>>;
    readonly now: Instant;
  },
): void {
  const { name, rawName } = token;
  const flag = known[name];
  if (flag === undefined)
    throw usageFailure(
      `There is no flag ${rawName} here.`,
      didYouMean(
        rawName,
        Object.keys(known).map((each) => `--${each}`),
      ),
    );
  if (flag.type === 'flag') {
    if (token.value !== undefined) throw usageFailure(`${rawName} takes no value, and was given "${token.value}".`);
    values[name] = true;
    return;
  }
  if (isMissing(token)) throw usageFailure(`${rawName} needs a value: ${rawName} <${placeholderOf(flag)}>.`);
  const text = token.value ?? '';
  if (flag.type === 'texts') {
    const parts = text.split(',').filter((part) => part !== '');
    values[name] = [...(values[name] as string[]), ...parts.map((part) => readFlag(name, part, { flag, now }))];
  } else if (values[name] !== undefined) throw usageFailure(`${rawName} was given twice.`);
  else values[name] = readFlag(name, text, { flag, now });
}

export function placeholderOf(flag: Flag): string {
  if (flag.placeholder !== undefined) return flag.placeholder;
  if (flag.choices !== undefined) return flag.choices.join('|');
  if (flag.names !== undefined) return flag.names;
  return flag.type === 'flag' || flag.type === 'texts' ? 'text' : valueTypes[flag.type].placeholder;
}

/** "guest/web" is what -o name prints; it may be given back wherever "web" may. */
function bareName(text: string, { names }: Parameter): string {
  return names !== undefined && text.startsWith(`${names}/`) ? text.slice(names.length + 1) : text;
}

function readParameters(
  command: Command,
  words: readonly string[],
): Record<string, string | readonly string[] | undefined> {
  const values: Record<string, string | readonly string[] | undefined> = {};
  const left = [...words];
  for (const parameter of command.parameters) {
    const taken = (parameter.many ? left.splice(0) : left.splice(0, 1)).map((word) => bareName(word, parameter));
    const isShort = taken.length === 0 || taken.includes('');
    if (isShort && !parameter.optional)
      throw usageFailure(`"argosy ${command.path}" needs ${article(parameter.name)}: argosy ${usageOf(command)}`);
    const wrong = taken.find((word) => parameter.choices && !parameter.choices.includes(word));
    if (wrong !== undefined)
      throw usageFailure(
        `"${wrong}" is not one of ${parameter.choices?.join(', ')}.`,
        didYouMean(wrong, parameter.choices ?? []),
      );
    values[parameter.name] = parameter.many ? taken : taken[0];
  }
  if (left.length > 0) throw usageFailure(`"${left[0]}" is too much here: argosy ${usageOf(command)}`);
  return values;
}

function article(name: string): string {
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** "guest migrate <guest> [flags]" */
export function usageOf({ path, parameters, flags }: Command): string {
  const words = parameters.map(({ name, many, optional, choices }) => {
    const word = `${choices ? choices.join('|') : name}${many ? '…' : ''}`;
    return optional ? `[${word}]` : `<${word}>`;
  });
  const required = Object.entries(flags).flatMap(([name, flag]) =>
    flag.required ? [`--${name} <${placeholderOf(flag)}>`] : [],
  );
  const more = Object.keys(flags).length > required.length ? ['[flags]'] : [];
  return [path, ...words, ...required, ...more].join(' ');
}

/** Everything that can be wrong is said here, in words of the command line, before anything is sent. */
export function parseArguments(command: Command, args: readonly string[], now: Instant): ParsedArguments {
  const known: Readonly<Record<string, Flag>> = { ...globalFlags, ...command.flags };
  const values: Record<string, unknown> = {};
  for (const [name, { type }] of Object.entries(known)) {
    values[name] = type === 'flag' ? false : type === 'texts' ? [] : undefined;
  }
  const words: string[] = [];
  for (const token of tokensOf(args, known)) {
    if (token.kind === 'positional') words.push(token.value);
    else if (token.kind === 'option') readOption(token, { values, known, now });
  }
  if (values['help'] === true) return { flags: values, parameters: {} };
  for (const [name, flag] of Object.entries(command.flags)) {
    const isEmpty = values[name] === undefined || (Array.isArray(values[name]) && values[name].length === 0);
    if (flag.required && isEmpty)
      throw usageFailure(`"argosy ${command.path}" needs --${name} <${placeholderOf(flag)}>.`);
  }
  return { flags: values, parameters: readParameters(command, words) };
}
