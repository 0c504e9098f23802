import type { SubjectKind, Task } from '@argosy/domain/entities';
import { type FleetTurn, put, putEnded } from './turn';

/** A task is what an administrator sees of work that takes time. Its id is its subject's and its name's: one at a time. */
export function beginTask(turn: FleetTurn, name: string, subject: readonly [SubjectKind, string]): void {
  const open = findTask(turn, name, subject[1]);
  if (open) return;
  put(turn, 'task', {
    id: turn.fleet.newId(),
    name,
    subjectKind: subject[0],
    subjectId: subject[1],
    requestedBy: turn.actor,
    state: 'running',
    progressShare: null,
    result: null,
    createdAt: turn.now,
    endedAt: null,
  });
}

export function endTasks(
  turn: FleetTurn,
  subjectId: string,
  names: readonly string[],
  state: 'succeeded' | 'failed' | 'cancelled',
  result: string,
): void {
  for (const name of names) {
    const task = findTask(turn, name, subjectId);
    if (task)
      putEnded(turn, 'task', {
        ...task,
        state,
        result,
        endedAt: turn.now,
        progressShare: state === 'succeeded' ? 1 : task.progressShare,
      });
  }
}

/** How much of it is done, from 0 to 1. */
export function noteTask(turn: FleetTurn, name: string, subjectId: string, doneShare: number): void {
  const task = findTask(turn, name, subjectId);
  // It may begin anew, or have more to copy than it had.
  const progressShare = Math.min(1, Math.max(0, doneShare));
  if (task) put(turn, 'task', { ...task, progressShare });
}

export function findTask(turn: FleetTurn, name: string, subjectId: string): Task | undefined {
  for (const id of turn.fleet.indexes.tasks.get(subjectId) ?? []) {
    const task = turn.fleet.tasks.get(id);
    if (task?.name === name) return task;
  }
  return undefined;
}
