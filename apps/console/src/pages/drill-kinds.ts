import type { Drill } from '../fleet/rows';

type Kind = Drill['kind'];

export interface DrillKind {
  readonly kind: Kind;
  readonly title: string;
  /** What is broken, and what is then looked for. */
  readonly text: string;
  readonly target: 'host' | 'guest';
  readonly isOfLinks: boolean;
}

/** The library: each is a failure that is predicted, caused and measured. */
export const drillKinds: readonly DrillKind[] = [
  {
    kind: 'host-loss',
    title: 'Lose a host',
    text: 'A host’s power is cut and nobody is told. Its guests crash, and must come back on other hosts.',
    target: 'host',
    isOfLinks: false,
  },
  {
    kind: 'agent-loss',
    title: 'Lose an agent',
    text: 'The agent of a host is killed. Its guests run on; none may be restarted or moved because of it.',
    target: 'host',
    isOfLinks: false,
  },
  {
    kind: 'guest-crash',
    title: 'Crash a guest',
    text: 'The process of one guest is killed. It must be started again.',
    target: 'guest',
    isOfLinks: false,
  },
  {
    kind: 'link-cut',
    title: 'Cut a host off',
    text: 'A host’s links are cut for a time, and it comes back by itself. No guest may run twice.',
    target: 'host',
    isOfLinks: true,
  },
  {
    kind: 'link-slow',
    title: 'Slow a host’s links',
    text: 'A host’s links are slow and lose packets for a time. Nobody may be taken for dead too soon.',
    target: 'host',
    isOfLinks: true,
  },
];

export const drillTitle = (kind: Kind): string => drillKinds.find((each) => each.kind === kind)?.title ?? kind;
export const hasEnded = ({ state }: Drill): boolean => state === 'finished' || state === 'aborted';
