import { routes } from '@argosy/contracts/routes';
import { Button, FormSelect, FormSelectOption, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import type { FleetEvent } from '../fleet/feed';
import { Page, PageBody } from '../ui/page';
import { EventTable } from './event-table';

const severities = [
  ['information', 'All'],
  ['warning', 'Warnings and errors'],
  ['error', 'Errors'],
] as const;

const subjectKinds = routes['event.list'].query.shape.subjectKind.unwrap().options;

const hourMs = 3_600_000;
const periods = [
  { name: 'ever', title: 'at any time', ms: null },
  { name: 'hour', title: 'in the last hour', ms: hourMs },
  { name: 'day', title: 'in the last day', ms: 24 * hourMs },
  { name: 'week', title: 'in the last week', ms: 7 * 24 * hourMs },
] as const;

/** The filters are in the address, so that what somebody looks at can be sent to somebody else. */
export function EventsPage() {
  const [search, setSearch] = useSearchParams();
  const severity = severities.find(([name]) => name === search.get('severity'))?.[0] ?? 'information';
  const subjectKind = subjectKinds.find((kind) => kind === search.get('of'));
  const period = periods.find(({ name }) => name === search.get('when')) ?? periods[0];
  // Counted from the moment at which it is chosen: what is read does not change with each look.
  const since = useMemo(() => (period.ms === null ? undefined : Date.now() - period.ms), [period]);
  const choose = (name: string, value: string, whole: string) =>
    setSearch((before) => {
      const after = new URLSearchParams(before);
      if (value === whole) after.delete(name);
      else after.set(name, value);
      return after;
    });
  return (
    <Page
      title="Events"
      actions={
        <>
          <FormSelect
            className="filter"
            aria-label="Of what"
            value={subjectKind ?? ''}
            onChange={(_event, kind) => choose('of', kind, '')}
          >
            <FormSelectOption value="" label="of everything" />
            {subjectKinds.map((kind) => (
              <FormSelectOption key={kind} value={kind} label={kind === 'fleet' ? 'of the fleet' : `of ${kind}s`} />
            ))}
          </FormSelect>
          <FormSelect
            className="filter"
            aria-label="When"
            value={period.name}
            onChange={(_event, name) => choose('when', name, 'ever')}
          >
            {periods.map(({ name, title }) => (
              <FormSelectOption key={name} value={name} label={title} />
            ))}
          </FormSelect>
          <ToggleGroup aria-label="How grave">
            {severities.map(([name, title]) => (
              <ToggleGroupItem
                key={name}
                text={title}
                isSelected={name === severity}
                onChange={() => choose('severity', name, 'information')}
              />
            ))}
          </ToggleGroup>
        </>
      }
    >
      <PageBody>
        <EventTable
          query={{
            ...(severity === 'information' ? {} : { severity }),
            ...(subjectKind === undefined ? {} : { subjectKind }),
            ...(since === undefined ? {} : { since }),
          }}
          actions={(shown) => (
            <Button variant="secondary" onClick={() => exportEvents(shown)}>
              Export
            </Button>
          )}
        />
      </PageBody>
    </Page>
  );
}

/** What is shown, as JSON lines. */
function exportEvents(events: readonly FleetEvent[]): void {
  const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }));
  Object.assign(document.createElement('a'), { href: url, download: 'argosy-events.ndjson' }).click();
  URL.revokeObjectURL(url);
}
