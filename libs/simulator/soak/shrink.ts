import { runScenario } from '../scenario';
import { parseScenario } from '../scenario-text';

export interface Shrunk {
  readonly text: string;
  readonly trials: number;
}

/** Which promise a scenario breaks; null: none, or it is no scenario. */
export type Judge = (text: string) => string | null;

/**
 * A shorter scenario that breaks the same promise: lines are left out, by halves of what is there down to single ones,
 * as long as it is still broken (delta debugging, Zeller and Hildebrandt 2002). A host or guest goes with every line
 * that names it. At most so many scenarios are tried.
 */
export function shrinkScenario(text: string, trials: number, brokenBy: Judge = promiseOf): Shrunk {
  const wanted = brokenBy(text);
  if (wanted === null) return { text, trials: 0 };
  let lines = text.split('\n').filter((line) => line.trim() !== '');
  let left = trials;
  const breaks = (candidate: readonly string[]): boolean => {
    if (left <= 0) return false;
    left--;
    return brokenBy(candidate.join('\n')) === wanted;
  };
  for (let before = Infinity; lines.length < before && left > 0;) {
    before = lines.length;
    lines = withoutNames(lines, breaks);
    lines = withoutRuns(lines, breaks);
  }
  return { text: `${endSooner(lines, breaks).join('\n')}\n`, trials: trials - left };
}

type Breaks = (lines: readonly string[]) => boolean;

function withoutNames(lines: readonly string[], breaks: Breaks): string[] {
  let kept = [...lines];
  for (const line of lines) {
    const name = /^(?:host|guest) (\S+)/.exec(line)?.[1];
    if (name === undefined) continue;
    const fewer = kept.filter((each) => !each.split(/\s+/).includes(name));
    if (fewer.length < kept.length && breaks(fewer)) kept = fewer;
  }
  return kept;
}

function withoutRuns(lines: readonly string[], breaks: Breaks): string[] {
  let kept = [...lines];
  for (let length = kept.length >> 1; length >= 1; length >>= 1) {
    for (let from = kept.length - length; from >= 0; from -= length) {
      const fewer = [...kept.slice(0, from), ...kept.slice(from + length)];
      if (breaks(fewer)) kept = fewer;
    }
  }
  return kept;
}

/** The end is as near behind the last step as it can be. */
function endSooner(lines: readonly string[], breaks: Breaks): readonly string[] {
  const at = lines.findIndex((line) => line.startsWith('until '));
  const last = Math.max(0, ...lines.map((line) => Number(/^at (\S+)/.exec(line)?.[1] ?? 0)));
  for (const laterSeconds of [5, 20, 60, 120]) {
    const sooner = lines.map((line, index) => (index === at ? `until ${Math.ceil(last + laterSeconds)}` : line));
    if (breaks(sooner)) return sooner;
  }
  return lines;
}

/** Which promise is the first that is broken, whoever it is about and whenever; null: none is, or the text is no scenario. */
function promiseOf(text: string): string | null {
  const parsed = parseScenario(text, 'shrunk');
  if (!parsed.ok) return null;
  const first = runScenario(parsed.value).violations[0];
  if (first === undefined) return null;
  const names = [...parsed.value.hosts, ...parsed.value.guests].map(({ name }) => name);
  return first
    .replace(/^\S+ s: /, '')
    .replace(/\d+(\.\d+)?/g, '#')
    .split(' ')
    .map((word) =>
      names.some((name) => word.replace(/#/g, '').startsWith(name) && word.length <= name.length + 2) ? '@' : word,
    )
    .join(' ');
}
