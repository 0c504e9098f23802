import { Button } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link, useParams } from 'react-router';
import { call } from '../api/client';
import { ApiError } from '../api/error';
import type { Drill } from '../fleet/rows';
import { useNewest, useRows, useSubject } from '../fleet/use-fleet';
import { Answer } from '../ui/answer';
import { Facts, Section, Wide } from '../ui/facts';
import { count, duration, wholeInstant } from '../ui/format';
import { download } from '../ui/download';
import { Missing, Nothing, Page, PageBody } from '../ui/page';
import { StateLabel } from '../ui/state-label';
import { drillTitle, hasEnded } from './drill-kinds';
import { DrillTimeline } from './drill-timeline';

/** A drill as it runs, and afterwards its report: one page that can be printed. */
export function DrillPage() {
  const { id = '' } = useParams();
  const live = useRows('drill').get(id);
  // One of long ago is not among those that the stream keeps.
  const stored = useQuery({
    queryKey: ['read', 'drill', id],
    queryFn: ({ signal }) => call('drill.get', { params: { id } }, { signal }),
    enabled: live === undefined,
  });
  if (live !== undefined) return <Report drill={live} />;
  const { error } = stored;
  if (error instanceof ApiError && error.code === 'unknown-drill')
    return <Missing what="drill" reference={id} to="/drills" />;
  return (
    <Answer of={stored} what="The drill">
      {(drill) => <Report drill={drill} />}
    </Answer>
  );
}

function Report({ drill }: { readonly drill: Drill }) {
  const subjectOf = useSubject();
  const target = drill.guestId === null ? subjectOf('host', drill.hostId ?? '') : subjectOf('guest', drill.guestId);
  const isOver = hasEnded(drill);
  const now = useNow(!isOver);
  return (
    <Page
      title={`${drillTitle(drill.kind)}: ${target.name}`}
      above={[{ title: 'Drills', to: '/drills' }]}
      beside={
        <>
          <StateLabel state={drill.state} />
          {drill.verdict && <StateLabel state={drill.verdict} />}
        </>
      }
      actions={
        isOver && (
          <>
            <Button variant="secondary" onClick={() => print()}>
              Print
            </Button>
            <Button variant="secondary" onClick={() => download(`drill-${drill.id}.json`, drill)}>
              JSON
            </Button>
          </>
        )
      }
    >
      <PageBody>
        <p role="status" className="verdict">
          {verdictOf(drill)} {drill.explanation}
        </p>
        <Section title="Timeline">
          {drill.injectedAt === null ? (
            <p className="quiet">The simulator predicts what should happen. Nothing is broken yet.</p>
          ) : (
            <>
              <Wide label="Timeline">
                <DrillTimeline drill={drill} elapsedMs={(drill.endedAt ?? now) - drill.injectedAt} />
              </Wide>
              <p className="quiet">
                From the moment at which it was broken. A thin line is what was predicted, a thick one the objective.
              </p>
            </>
          )}
        </Section>
        <Phases drill={drill} />
        <Outages drill={drill} />
        <Section title="The run">
          <Facts
            facts={[
              [
                'Of',
                target.to === null ? (
                  target.name
                ) : (
                  <Link key="of" to={target.to}>
                    {target.name}
                  </Link>
                ),
              ],
              ['Asked for', `${wholeInstant(drill.createdAt)} by ${drill.requestedBy}`],
              ['Broken', drill.injectedAt === null ? 'not yet' : wholeInstant(drill.injectedAt)],
              ['Ended', drill.endedAt === null ? 'not yet' : wholeInstant(drill.endedAt)],
              ...(drill.impairment === null
                ? []
                : [
                    [
                      'Links',
                      `${drill.impairment.networks.join(' and ')} for ${duration(drill.impairment.durationMs)}: ${drill.impairment.lossShare === 1 ? 'cut' : `${drill.impairment.delayMs} ms of delay, ${Math.round(drill.impairment.lossShare * 100)} % lost`}`,
                    ] as const,
                  ]),
            ]}
          />
        </Section>
        <Earlier drill={drill} />
      </PageBody>
    </Page>
  );
}

function verdictOf({ verdict, state }: Drill): string {
  if (state === 'aborted') return 'It was aborted.';
  if (verdict === null) return 'It is under way.';
  return verdict === 'met' ? 'Every objective was met.' : 'Not every objective was met.';
}

const orDash = (ms: number | null): string => (ms === null ? '–' : duration(ms));

function difference(predictedMs: number | null, measuredMs: number | null): string {
  if (predictedMs === null || measuredMs === null) return '–';
  return `${measuredMs < predictedMs ? '−' : '+'}${duration(Math.abs(measuredMs - predictedMs))}`;
}

function Phases({ drill: { phases } }: { readonly drill: Drill }) {
  return (
    <Section title="Phases">
      <div className="table-scroller" tabIndex={0} role="region" aria-label="Phases">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Phase</th>
              {['Objective', 'Predicted', 'Measured', 'Off by'].map((title) => (
                <th key={title} scope="col" className="number">
                  {title}
                </th>
              ))}
              <th scope="col">Met</th>
            </tr>
          </thead>
          <tbody>
            {phases.map(({ name, objectiveMs, predictedMs, measuredMs, met }) => (
              <tr key={name}>
                <td>{name}</td>
                <td className="number">{orDash(objectiveMs)}</td>
                <td className="number">{orDash(predictedMs)}</td>
                <td className="number">{measuredMs === null ? 'not reached' : duration(measuredMs)}</td>
                <td className="number">{difference(predictedMs, measuredMs)}</td>
                <td>{met === null ? '' : <StateLabel state={met ? 'met' : 'missed'} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Outages({ drill: { outages } }: { readonly drill: Drill }) {
  const hosts = useRows('host');
  const name = (id: string | null) => (id === null ? '–' : (hosts.get(id)?.name ?? id));
  if (outages.length === 0) return null;
  const back = outages.filter(({ outageMs }) => outageMs !== null).length;
  return (
    <Section title={`Guests: ${back} of ${count(outages.length, 'guest')} came back`}>
      <div className="table-scroller" tabIndex={0} role="region" aria-label="Guests">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Guest</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col" className="number">
                Predicted
              </th>
              <th scope="col" className="number">
                Outage
              </th>
            </tr>
          </thead>
          <tbody>
            {outages.map(({ guestId, guestName, fromHostId, toHostId, predictedMs, outageMs }) => (
              <tr key={guestId}>
                <td>
                  <Link to={`/guests/${guestId}`}>{guestName}</Link>
                </td>
                <td>{name(fromHostId)}</td>
                <td>{name(toHostId)}</td>
                <td className="number">{orDash(predictedMs)}</td>
                <td className="number">{outageMs === null ? 'not back' : duration(outageMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

const mostCompared = 8;

/** Runs of the same kind, phase by phase: what changed since. */
function Earlier({ drill }: { readonly drill: Drill }) {
  const drills = useNewest('drill')
    .filter((each) => each.kind === drill.kind && hasEnded(each))
    .slice(0, mostCompared);
  if (drills.length < 2)
    return <Nothing title="Nothing to compare with">Another run of this drill is set beside this one.</Nothing>;
  return (
    <Section title="Beside other runs of this drill">
      <div className="table-scroller" tabIndex={0} role="region" aria-label="Other runs">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Run</th>
              {drill.phases.map(({ name }) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
              <th scope="col" className="number">
                Guests
              </th>
              <th scope="col">Verdict</th>
            </tr>
          </thead>
          <tbody>
            {drills.map((each) => (
              <tr key={each.id}>
                <td>
                  {each.id === drill.id ? (
                    `${wholeInstant(each.createdAt)} (this)`
                  ) : (
                    <Link to={`/drills/${each.id}`}>{wholeInstant(each.createdAt)}</Link>
                  )}
                </td>
                {drill.phases.map(({ name }) => (
                  <td key={name} className="number">
                    {orDash(each.phases.find((phase) => phase.name === name)?.measuredMs ?? null)}
                  </td>
                ))}
                <td className="number">{each.outages.length}</td>
                <td>{each.verdict === null ? '' : <StateLabel state={each.verdict} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

const tickMs = 100;

function useNow(isTicking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return undefined;
    const timer = setInterval(() => setNow(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, [isTicking]);
  return now;
}
