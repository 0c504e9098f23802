import { Button, Slider } from '@patternfly/react-core';
import { poolSettingsBody } from '@argosy/contracts/bodies';
import { useCallback, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Pool, Recommendation } from '../fleet/rows';
import { useNewest, useRows } from '../fleet/use-fleet';
import { type Column, DataTable } from '../ui/data-table';
import { Field, ChoiceField } from '../ui/field';
import { Section } from '../ui/facts';
import { instant } from '../ui/format';
import { latest } from '../ui/latest';
import { Nothing } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { useToasts } from '../ui/toasts';
import { BalanceHistory } from './balance-history';
import { automationTitles } from './pool-words';

/** What would better the pool, what was done about it, and how much Argosy does by itself. */
export function PoolBalance({ pool }: { readonly pool: Pool }) {
  return (
    <>
      <Automation pool={pool} />
      <Recommendations pool={pool} />
      <BalanceHistory pool={pool} />
    </>
  );
}

const automations = poolSettingsBody.shape.balance.unwrap().shape.automation.unwrap().options;
/** A slider that is dragged passes what nobody wants. */
const quietMs = 400;
const streamMs = 1000;
const thresholdSteps = ['rules', 'large', 'fair', 'small', 'any'].map((label, index) => ({ value: index + 1, label }));
const thresholds = ['only what rules demand', 'a large gain', 'a fair gain', 'a small gain', 'any gain'];

function Automation({ pool }: { readonly pool: Pool }) {
  const may = useMay();
  const { complain } = useToasts();
  const { automation, threshold } = pool.balance;
  const [wanted, setWanted] = useState<number | null>(null);
  const shown = wanted ?? threshold;
  const change = useCallback(
    (balance: { automation?: (typeof automations)[number]; threshold?: number }) =>
      call('pool.update', { params: { pool: pool.id }, body: { settings: { balance } } }).catch((error: unknown) =>
        complain('Nothing was changed', error),
      ),
    [pool.id, complain],
  );
  const slide = useMemo(
    () =>
      latest(async (value: number) => {
        await change({ threshold: value });
        // The stream says the same a moment later.
        setTimeout(() => setWanted((before) => (before === value ? null : before)), streamMs);
      }, quietMs),
    [change],
  );
  const isFixed = !may('pool.update');
  return (
    <Section title="Automation">
      <div className="columns">
        {isFixed ? (
          <p>{automationTitles[automation]}</p>
        ) : (
          <ChoiceField
            label="Who applies recommendations"
            value={automation}
            onChange={(value) => void change({ automation: value as typeof automation })}
            choices={automations.map((value) => ({ value, label: automationTitles[value] }))}
          />
        )}
        <Field label={`A move is worth it for ${thresholds[shown - 1] ?? ''}`}>
          {() => (
            <Slider
              value={shown}
              isDisabled={isFixed}
              min={1}
              max={5}
              customSteps={thresholdSteps}
              onChange={(_event, value) => {
                if (value === shown) return;
                setWanted(value);
                slide(value);
              }}
              thumbAriaLabel="Threshold, from 1: only what rules demand, to 5: any gain"
            />
          )}
        </Field>
      </div>
    </Section>
  );
}

function Recommendations({ pool }: { readonly pool: Pool }) {
  const may = useMay();
  const { say, complain } = useToasts();
  const [isRunning, setIsRunning] = useState(false);
  const all = useNewest('recommendation');
  const own = useMemo(() => all.filter(({ poolId }) => poolId === pool.id).slice(0, 100), [all, pool.id]);
  const open = own.filter(({ state }) => state === 'open');
  const [guests, hosts] = [useRows('guest'), useRows('host')];
  const [applying, setApplying] = useState<readonly string[]>([]);
  // A look may withdraw what is shown.
  const isBusy = isRunning || applying.length > 0;
  // Those that are shown: what is found while somebody reads has been read by nobody.
  const apply = (recommendations: string[]) => {
    setApplying(recommendations);
    call('recommendation.apply', { body: { recommendations, pool: pool.id } })
      .then(
        ({ items }) =>
          items.length < recommendations.length &&
          say(
            `${items.length} of ${recommendations.length} applied`,
            'Hosts take only so many migrations at once: what stays open can be applied when one has ended.',
          ),
        (error: unknown) => complain('Not applied', error),
      )
      .finally(() => setApplying([]));
  };
  const runNow = () => {
    setIsRunning(true);
    call('balance.run', { body: { pool: pool.id } })
      .then(
        ({ items }) =>
          say(
            items.length === 0 ? `${pool.name} is balanced` : `${items.length} found`,
            items.length === 0 ? 'No move is worth its cost.' : '',
          ),
        (error: unknown) => complain('The balance was not looked at', error),
      )
      .finally(() => setIsRunning(false));
  };
  const columns = useMemo<Column<Recommendation>[]>(
    () => [
      {
        title: 'Priority',
        value: ({ priority }) => priority,
        show: ({ priority }) => `${priority}${priority === 1 ? ' (a rule)' : ''}`,
        isNumber: true,
      },
      {
        title: 'Guest',
        value: ({ guestId }) => guests.get(guestId)?.name ?? guestId,
        show: ({ guestId }) => <Link to={`/guests/${guestId}`}>{guests.get(guestId)?.name ?? guestId}</Link>,
      },
      {
        title: 'From → to',
        value: ({ fromHostId, toHostId }) =>
          `${fromHostId === null ? 'nowhere' : (hosts.get(fromHostId)?.name ?? fromHostId)} → ${hosts.get(toHostId)?.name ?? toHostId}`,
      },
      { title: 'Why', value: ({ reason }) => reason, isWide: true },
      { title: 'Gain (core-s)', value: ({ gain }) => gain, show: ({ gain }) => coreSeconds(gain), isNumber: true },
      { title: 'Cost (core-s)', value: ({ cost }) => cost, show: ({ cost }) => coreSeconds(cost), isNumber: true },
      { title: 'Found', value: ({ createdAt }) => createdAt, show: ({ createdAt }) => instant(createdAt) },
      {
        title: 'State',
        value: ({ state }) => state,
        show: ({ id, guestId, state }) =>
          state === 'open' && may('recommendation.apply') ? (
            <Button
              variant="link"
              isInline
              isDisabled={isBusy}
              isLoading={applying.includes(id)}
              aria-label={`Apply: move ${guests.get(guestId)?.name ?? ''}`}
              onClick={() => apply([id])}
            >
              Apply
            </Button>
          ) : (
            <StateLabel state={state} />
          ),
      },
    ],
    [guests, hosts, isBusy, applying, may('recommendation.apply')],
  );
  const actions = (
    <>
      {may('balance.run') && (
        <Button variant="secondary" isLoading={isRunning} isDisabled={isBusy} onClick={runNow}>
          Look now
        </Button>
      )}
      {open.length > 0 && may('recommendation.apply') && (
        <Button isDisabled={isBusy} isLoading={applying.length > 1} onClick={() => apply(open.map(({ id }) => id))}>
          Apply all {open.length}
        </Button>
      )}
    </>
  );
  return (
    <Section title="Recommendations">
      <DataTable
        label="recommendations"
        rows={own}
        columns={columns}
        keyOf={({ id }) => id}
        isUnfiltered
        actions={own.length > 0 && actions}
        empty={
          <Nothing title="No recommendation" action={actions}>
            Argosy looks every {pool.balance.intervalMs / 1000} s. A move is recommended when it gains more than it
            costs.
          </Nothing>
        }
      />
    </Section>
  );
}

/** Of millicore-seconds: processors' seconds that guests get, or that the move takes. */
const coreSeconds = (value: number): string => (value / 1000).toFixed(value < 10_000 ? 3 : 1);
