import { childrenOf, globalFlags, placeholderOf, usageOf } from './arguments';
import type { Command, Flag } from './command';
import { exitStatuses } from './exit-status';

/** The groups, in the order in which somebody new to it needs them. */
const groups = {
  pool: 'hosts under one policy',
  host: 'what guests run on',
  guest: 'virtual machines',
  image: 'what guests boot',
  datastore: 'where images and disks are kept',
  rule: 'what belongs together, apart, on or off a host',
  migration: 'guests on the move',
  balance: 'recommendations, and applying them',
  drill: 'failures on purpose, predicted and measured',
  event: 'what happened',
  task: 'what is under way',
  alarm: 'what needs attention',
  placement: 'where every guest was, at any time',
  user: 'who may do what',
  token: 'bearer tokens',
  'join-token': 'tokens with which hosts join',
  lab: 'the lab on this machine, and the power of its hosts',
  sim: 'simulated fleets, without a server',
} as const satisfies Record<string, string>;

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

function flagLine([name, flag]: [string, Flag]): [string, string] {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  const value = flag.type === 'flag' ? '' : ` <${placeholderOf(flag)}>`;
  return [`${short}--${name}${value}`, flag.summary];
}

export function statusTable(): string[] {
  return columns(Object.values(exitStatuses).map(({ status, meaning }) => [`${status}`, meaning] as const));
}

/** With no words: everything there is, on one screen. */
export function overview(commands: readonly Command[]): string {
  const single = commands.filter(({ path, hidden }) => !hidden && !path.includes(' ') && !Object.hasOwn(groups, path));
  const verbs = (group: string): string => childrenOf(group, commands).join(', ');
  return [
    'argosy: runs a fleet of virtual machines',
    '',
    'usage: argosy <command> [flags]',
    '',
    ...columns(Object.entries(groups).map(([group, summary]) => [group, `${summary}: ${verbs(group)}`] as const)),
    '',
    ...columns(single.map(({ path, summary }) => [path, summary] as const)),
    '',
    'Every command takes:',
    ...columns(Object.entries(globalFlags).map(flagLine)),
    '',
    'The server is found by --server, ARGOSY_URL, ~/.config/argosy/config.json ({"server", "token" or "tokenFile"}), or the lab',
    'in this folder (.argosy); the token by --token-file, --token, ARGOSY_TOKEN, or beside the address.',
    '',
    'Status:',
    ...statusTable(),
    '',
    'More: argosy help <command>',
  ].join('\n');
}

function groupHelp(path: string, commands: readonly Command[]): string {
  const inside = commands.filter((command) => !command.hidden && command.path.startsWith(`${path} `));
  return [
    `usage: argosy ${path} <command> [flags]`,
    '',
    ...columns(inside.map((command) => [usageOf(command), command.summary] as const)),
    '',
    `More: argosy ${path} <command> --help`,
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const own = Object.entries(command.flags);
  const { aliases = [], examples = [] } = command;
  return [
    `usage: argosy ${usageOf(command)}`,
    '',
    `  ${command.summary}`,
    ...(aliases.length === 0 ? [] : ['', `Also: ${aliases.map((alias) => `argosy ${alias}`).join(', ')}`]),
    ...(own.length === 0 ? [] : ['', 'Flags:', ...columns(own.map(flagLine))]),
    ...(examples.length === 0 ? [] : ['', 'Examples:', ...examples.map((example) => `  argosy ${example}`)]),
    '',
    'Every command takes --output, --server, --token-file, --yes and more: argosy help',
  ].join('\n');
}

/** undefined: there is nothing of that name. */
export function helpFor(path: string, commands: readonly Command[]): string | undefined {
  if (path === '') return overview(commands);
  const command = commands.find((candidate) => candidate.path === path);
  if (command !== undefined) return commandHelp(command);
  return childrenOf(path, commands).length > 0 ? groupHelp(path, commands) : undefined;
}
