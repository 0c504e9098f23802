import { Button, Progress, Spinner } from '@patternfly/react-core';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Migration, Task } from '../fleet/rows';
import { useNewest, useRows, useSubject } from '../fleet/use-fleet';
import { duration, instant } from '../ui/format';
import { StateLabel } from '../ui/state-label';
import { messageOf, useToasts } from '../ui/toasts';

const ended = new Set(['succeeded', 'failed', 'cancelled']);
export const isUnderWay = ({ state }: Task): boolean => !ended.has(state);
const shownTasks = 30;

/** At the foot of every page: what is under way, and how far it is. */
export function TaskBar() {
  const tasks = useNewest('task');
  const [isOpen, setIsOpen] = useState(false);
  const active = tasks.filter(isUnderWay);
  const latest = tasks[0];
  return (
    <section className="task-bar" aria-label="Tasks">
      <div className="task-bar-head">
        <Button variant="plain" aria-expanded={isOpen} onClick={() => setIsOpen((is) => !is)}>
          <span aria-hidden="true">{isOpen ? '▾' : '▴'}</span> Tasks
        </Button>
        {active.length > 0 && <Spinner size="sm" aria-label="Tasks are under way" />}
        <span className="task-bar-now">
          {active.length > 1 ? (
            `${active.length} under way`
          ) : latest === undefined ? (
            <span className="quiet">No task yet</span>
          ) : (
            <TaskLine task={active[0] ?? latest} />
          )}
        </span>
      </div>
      {isOpen && (
        <ul className="task-list">
          {tasks.slice(0, shownTasks).map((task) => (
            <li key={task.id}>
              <TaskLine task={task} isWhole />
            </li>
          ))}
          <li>
            <Link to="/tasks">All tasks</Link>
          </li>
        </ul>
      )}
    </section>
  );
}

const names: Readonly<Record<string, string>> = {
  'guest.start': 'Start',
  'guest.stop': 'Stop',
  'guest.restart': 'Restart',
  'guest.migrate': 'Migrate',
  'guest.clone': 'Clone',
  'guest.suspend': 'Suspend',
  'snapshot.take': 'Take a snapshot of',
  'snapshot.revert': 'Go back to a snapshot of',
  'host.maintenance': 'Empty',
  'host.standby': 'Put in standby',
  'drill.run': 'Run',
};
export const taskName = (name: string): string => names[name] ?? name;

/** The migration that a task is, if it can be cancelled still. */
export function useCancel(): (task: Task) => (() => void) | null {
  const migrations = useRows('migration');
  const may = useMay();
  const { complain } = useToasts();
  return (task) => {
    if (task.name !== 'guest.migrate' || !isUnderWay(task) || !may('migration.cancel')) return null;
    const isOf = ({ guestId, endedAt, step }: Migration) =>
      guestId === task.subjectId && endedAt === null && (step === 'open-target' || step === 'copy');
    const migration = [...migrations.values()].find(isOf);
    if (migration === undefined) return null;
    return () =>
      void call('migration.cancel', { params: { id: migration.id } }).catch((error: unknown) =>
        complain('The migration goes on', messageOf(error)),
      );
  };
}

function TaskLine({ task, isWhole = false }: { readonly task: Task; readonly isWhole?: boolean }) {
  const { name, to } = useSubject()(task.subjectKind, task.subjectId);
  const cancel = useCancel()(task);
  const isActive = isUnderWay(task);
  return (
    <span className="task-line">
      <span>
        {taskName(task.name)} {to === null ? name : <Link to={to}>{name}</Link>}
      </span>
      {isActive && task.progressShare !== null && (
        <Progress
          className="task-progress"
          size="sm"
          value={Math.round(task.progressShare * 100)}
          aria-label={`${taskName(task.name)} ${name}`}
        />
      )}
      {!isActive && <StateLabel state={task.state} {...(task.result ? { title: task.result } : {})} />}
      {cancel !== null && (
        <Button variant="link" isInline onClick={cancel}>
          Cancel
        </Button>
      )}
      {isWhole && (
        <span className="quiet">
          {instant(task.createdAt)} by {task.requestedBy}
          {task.endedAt === null ? '' : `, took ${duration(task.endedAt - task.createdAt)}`}
          {task.result === null ? '' : `: ${task.result}`}
        </span>
      )}
    </span>
  );
}
