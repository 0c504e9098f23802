import { childrenOf, globalFlags, locate } from './arguments';
import type { Command, Flag, NamedKind } from './command';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** The names that there are of that kind; none when nobody can be asked. */
export type Names = (kind: NamedKind) => Promise<readonly string[]>;

async function valuesOf(
  { choices, names }: { readonly choices?: readonly string[]; readonly names?: NamedKind },
  ask: Names,
): Promise<readonly string[]> {
  if (choices !== undefined) return choices;
  return names === undefined ? [] : ask(names);
}

function flagNamed(word: string, flags: Readonly<Record<string, Flag>>): Flag | undefined {
  if (word.startsWith('--')) return flags[word.slice(2)];
  return Object.values(flags).find(({ short }) => short !== undefined && word === `-${short}`);
}

/** What may stand where the cursor is: `words` are those before it and the one that it is in, without "argosy". */
export async function complete(words: readonly string[], commands: readonly Command[], ask: Names): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { path, command, rest } = locate(before, commands);
  const flags: Readonly<Record<string, Flag>> = { ...command?.flags, ...globalFlags };
  const all = await candidates();
  return [...new Set(all)].filter((candidate) => candidate.startsWith(current));

  async function candidates(): Promise<readonly string[]> {
    const joined = /^(--[\w-]+)=(.*)$/.exec(current);
    if (joined)
      return (await valuesOf(flagNamed(joined[1] ?? '', flags) ?? {}, ask)).map((value) => `${joined[1]}=${value}`);
    const open = flagNamed(before.at(-1) ?? '', flags);
    if (open !== undefined && open.type !== 'flag')
      return open.type === 'texts' ? listed(await valuesOf(open, ask)) : valuesOf(open, ask);
    if (current.startsWith('-')) return Object.keys(flags).map((name) => `--${name}`);
    if (command === undefined) return childrenOf(path, commands);
    const children = childrenOf(command.path, commands);
    const given = rest.filter((word, index) => !word.startsWith('-') && !takesNext(rest[index - 1] ?? '')).length;
    const parameter = command.parameters[given] ?? command.parameters.filter(({ many }) => many).at(-1);
    return [...children, ...(parameter ? await valuesOf(parameter, ask) : [])];
  }

  function takesNext(word: string): boolean {
    const flag = word.includes('=') ? undefined : flagNamed(word, flags);
    return flag !== undefined && flag.type !== 'flag';
  }

  /** "h1,h" completes to "h1,h2". */
  function listed(values: readonly string[]): string[] {
    const done = current.slice(0, current.lastIndexOf(',') + 1);
    return values.map((value) => `${done}${value}`);
  }
}

const scripts = {
  bash: `# argosy completion for bash:  source <(argosy completion bash)
_argosy() {
  local IFS=$'\\n'
  # "=" ends a word for bash; what stands before it on the same argument is not offered again.
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(argosy __complete -- "\${words[@]}" 2>/dev/null))
}
complete -o default -F _argosy argosy
`,
  zsh: `#compdef argosy
# argosy completion for zsh:  source <(argosy completion zsh)
_argosy() {
  local -a candidates
  candidates=(\${(f)"$(argosy __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  (( \${#candidates} )) && compadd -a candidates || _files
}
compdef _argosy argosy
`,
  fish: `# argosy completion for fish:  argosy completion fish | source
function __argosy_complete
  set -l words (commandline -opc) (commandline -ct)
  argosy __complete -- $words[2..-1] 2>/dev/null
end
complete -c argosy -f -a '(__argosy_complete)'
complete -c argosy -n '__fish_seen_subcommand_from import run' -F
`,
} as const satisfies Record<Shell, string>;

export function completionScript(shell: Shell): string {
  return scripts[shell];
}
