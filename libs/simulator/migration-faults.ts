/**
 * Each process that takes part in a migration is killed at each written step. `intact`: the guest runs once and its
 * counters went on. `crash`: the killed VMM held the only complete copy; the guest runs once, booted from its disk once
 * more, and the record says so.
 */
export type Outcome = 'intact' | 'crash';

export const victims = [
  'source agent',
  'target agent',
  'source VMM',
  'target VMM',
  'controller',
  'Redis',
  'database',
] as const;
export type Victim = (typeof victims)[number];

export const migrationSteps = [
  'reserve',
  'open-target',
  'copy',
  'switch-over: sent',
  'switch-over: released',
  'switch-over: granted',
  'commit',
  'release',
] as const;
export type FaultStep = (typeof migrationSteps)[number];

export function atEveryStep(outcome: Outcome): Record<FaultStep, Outcome> {
  return Object.fromEntries(migrationSteps.map((step) => [step, outcome])) as Record<FaultStep, Outcome>;
}

/** Until all is sent the source alone is complete; while both are, neither loss costs the memory; after the grant only the target counts. */
export const expectations: Record<Victim, Record<FaultStep, Outcome>> = {
  'source agent': atEveryStep('intact'),
  'target agent': atEveryStep('intact'),
  controller: atEveryStep('intact'),
  Redis: atEveryStep('intact'),
  database: atEveryStep('intact'),
  'source VMM': { ...atEveryStep('intact'), reserve: 'crash', 'open-target': 'crash', copy: 'crash' },
  'target VMM': { ...atEveryStep('intact'), 'switch-over: granted': 'crash', commit: 'crash', release: 'crash' },
};

/** In post-copy the memory is in two places from the switch-over until the last page has come: either loss is a crash. */
export const postCopyExpectations: Record<Victim, Record<FaultStep, Outcome>> = {
  ...expectations,
  'source VMM': atEveryStep('crash'),
  'target VMM': { ...atEveryStep('crash'), reserve: 'intact', 'open-target': 'intact', copy: 'intact' },
};

/**
 * A whole host is lost, fenced, and comes back half a minute later with its old journal and queue. A target that is lost
 * with the question of its grant unanswered may have run: the source's memory is of no use then, although it is whole.
 */
export const hostExpectations: Record<'source' | 'target', Record<FaultStep, Outcome>> = {
  source: { ...atEveryStep('intact'), reserve: 'crash', 'open-target': 'crash', copy: 'crash' },
  target: { ...atEveryStep('crash'), reserve: 'intact', 'open-target': 'intact', copy: 'intact' },
};

/** With a host its VMM is lost, and the other has not all of the memory. */
export const postCopyHostExpectations: Record<'source' | 'target', Record<FaultStep, Outcome>> = {
  source: postCopyExpectations['source VMM'],
  target: postCopyExpectations['target VMM'],
};
