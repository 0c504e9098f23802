import { Button, Progress, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useMemo } from 'react';
import { Link, useSearchParams } from 'react-router';
import type { Task } from '../fleet/rows';
import { useHasRead, useNewest, useSubject } from '../fleet/use-fleet';
import { taskName, useCancel } from '../frame/task-bar';
import { type Column, DataTable } from '../ui/data-table';
import { duration, instant } from '../ui/format';
import { Nothing, Page, PageBody, Waiting } from '../ui/page';
import { StateLabel } from '../ui/state-label';

const choices: readonly { readonly name: string; readonly title: string; readonly has: (task: Task) => boolean }[] = [
  { name: 'all', title: 'All', has: () => true },
  { name: 'running', title: 'Under way', has: ({ endedAt }) => endedAt === null },
  { name: 'failed', title: 'Not done', has: ({ state }) => state === 'failed' || state === 'cancelled' },
];

export function TasksPage() {
  const hasRead = useHasRead();
  const all = useNewest('task');
  const [search, setSearch] = useSearchParams();
  const choice = choices.find(({ name }) => name === search.get('state')) ?? choices[0]!;
  const tasks = useMemo(() => all.filter(choice.has), [all, choice]);
  const subjectOf = useSubject();
  const cancelOf = useCancel();
  const columns = useMemo<Column<Task>[]>(
    () => [
      { title: 'Task', value: ({ name }) => taskName(name) },
      {
        title: 'Of what',
        value: ({ subjectKind, subjectId }) => subjectOf(subjectKind, subjectId).name,
        show: ({ subjectKind, subjectId }) => {
          const { name, to } = subjectOf(subjectKind, subjectId);
          return to === null ? name : <Link to={to}>{name}</Link>;
        },
      },
      {
        title: 'State',
        value: ({ state }) => state,
        show: (task) => {
          const cancel = cancelOf(task);
          return (
            <span className="labels">
              <StateLabel state={task.state} />
              {task.state === 'running' && task.progressShare !== null && (
                <Progress
                  className="task-progress"
                  size="sm"
                  value={Math.round(task.progressShare * 100)}
                  aria-label={`${taskName(task.name)}: how much is done`}
                />
              )}
              {cancel && (
                <Button variant="link" isInline onClick={cancel}>
                  Cancel
                </Button>
              )}
            </span>
          );
        },
      },
      { title: 'Begun', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => instant(createdAt) },
      {
        title: 'Took',
        value: ({ createdAt, endedAt }) => (endedAt === null ? null : endedAt - createdAt),
        show: ({ createdAt, endedAt }) => (endedAt === null ? '' : duration(endedAt - createdAt)),
        isNumber: true,
      },
      { title: 'Who', value: ({ requestedBy }) => requestedBy },
      { title: 'Result', value: ({ result }) => result ?? '', isWide: true },
    ],
    [subjectOf, cancelOf],
  );
  return (
    <Page
      title="Tasks"
      actions={
        <ToggleGroup aria-label="Which tasks">
          {choices.map(({ name, title }) => (
            <ToggleGroupItem
              key={name}
              text={title}
              isSelected={name === choice.name}
              onChange={() => setSearch(name === 'all' ? {} : { state: name })}
            />
          ))}
        </ToggleGroup>
      }
    >
      <PageBody>
        {hasRead ? (
          <DataTable
            label="tasks"
            rows={tasks}
            columns={columns}
            keyOf={({ id }) => id}
            empty={
              all.length === 0 ? (
                <Nothing title="No task yet">What takes time, as a start or a migration, appears here.</Nothing>
              ) : (
                <Nothing title="None of these">Every other task is under “All”.</Nothing>
              )
            }
          />
        ) : (
          <Waiting />
        )}
      </PageBody>
    </Page>
  );
}
