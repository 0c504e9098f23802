import { Button, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useSearchParams } from 'react-router';
import type { FleetEvent } from '../fleet/feed';
import { Page, PageBody } from '../ui/page';
import { EventTable } from './event-table';

const severities = [
  ['information', 'All'],
  ['warning', 'Warnings and errors'],
  ['error', 'Errors'],
] as const;

export function EventsPage() {
  const [search, setSearch] = useSearchParams();
  const severity = severities.find(([name]) => name === search.get('severity'))?.[0] ?? 'information';
  return (
    <Page
      title="Events"
      actions={
        <ToggleGroup aria-label="How grave">
          {severities.map(([name, title]) => (
            <ToggleGroupItem
              key={name}
              text={title}
              isSelected={name === severity}
              onChange={() => setSearch(name === 'information' ? {} : { severity: name })}
            />
          ))}
        </ToggleGroup>
      }
    >
      <PageBody>
        <EventTable
          query={severity === 'information' ? {} : { severity }}
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
