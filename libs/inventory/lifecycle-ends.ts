import type { Transitions } from '@argosy/domain/lifecycle';

/** The states that nothing follows. */
export function endsOf<State extends string>(transitions: Transitions<State>): State[] {
  return (Object.keys(transitions) as State[]).filter((state) => transitions[state].length === 0);
}
