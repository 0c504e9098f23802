interface Named {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

export interface DrillTarget<Each> {
  /** The one that was chosen, as long as it exists. */
  readonly chosen: Each | undefined;
  /** Null: it may be hit. Otherwise why not. */
  readonly because: string | null;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
}

/**
 * Who is hit by a drill, of all that there are. One that is not fit any more stays chosen and cannot be hit: what was
 * confirmed of one is never done to another.
 */
export function drillTarget<Each extends Named>(
  what: 'host' | 'guest',
  all: readonly Each[],
  chosenId: string,
): DrillTarget<Each> {
  const chosen = all.find(({ id }) => id === chosenId);
  const fit = all.filter((each) => isFit(what, each));
  const unfit = chosen !== undefined && !isFit(what, chosen);
  return {
    chosen,
    because:
      chosen === undefined
        ? `Choose a ${what}.`
        : unfit
          ? `${chosen.name} is ${chosen.state}: choose another ${what}, or wait.`
          : null,
    choices: [
      ...(chosen === undefined ? [{ value: chosenId, label: `Choose a ${what}` }] : []),
      ...(unfit ? [{ value: chosen.id, label: `${chosen.name} (${chosen.state})` }] : []),
      ...fit.map(({ id, name }) => ({ value: id, label: name })),
    ],
  };
}

export function firstFit(what: 'host' | 'guest', all: readonly Named[]): string {
  return all.find((each) => isFit(what, each))?.id ?? '';
}

const isFit = (what: 'host' | 'guest', { state }: Named): boolean => state === (what === 'host' ? 'online' : 'running');
