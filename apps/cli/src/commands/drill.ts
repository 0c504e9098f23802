import { drillKinds, drillPhases, hostNetworks, type Drill, type DrillPhaseName } from '@argosy/domain/drill';
import type { RouteResponse } from '@argosy/contracts/routes';
import { formatDuration } from '@argosy/domain/units';
import { command, given, givenAny } from '../command';
import { Failure, usageFailure } from '../failure';
import { didYouMean } from '../nearest';
import { drillReport } from '../output/drill-report';
import { drillView } from '../output/history-views';
import { resolveId } from '../resolve';
import type { Session } from '../session';
import { parseDuration } from '../values';
import { defaultLimit, limitFlag, timeoutFlag, watchFlag } from './common-flags';

/** A drill ends by itself after two minutes. */
const drillMs = 180_000;

/** "detect=3000" or "detect=3s" */
export function parseObjectives(texts: readonly string[]): { [phase in DrillPhaseName]?: number } | undefined {
  const objectives: { [phase in DrillPhaseName]?: number } = {};
  for (const text of texts) {
    const [name = '', value = ''] = text.split('=', 2);
    const phase = drillPhases.find((each) => each === name);
    if (phase === undefined)
      throw usageFailure(
        `--objective ${text}: the phases are ${drillPhases.join(', ')}.`,
        didYouMean(name, drillPhases),
      );
    const limitMs = /^\d+$/.test(value) ? Number(value) : parseDuration(value);
    if (limitMs === undefined)
      throw usageFailure(`--objective ${text}: write it like ${phase}=3000 (milliseconds) or ${phase}=3s.`);
    objectives[phase] = limitMs;
  }
  return texts.length === 0 ? undefined : objectives;
}

async function printReport(session: Session, drill: Drill): Promise<void> {
  if (session.format === 'json' || session.format === 'yaml') return session.printValue(drill);
  if (session.format === 'name') return session.print(`drill/${drill.id}`);
  const lookup = await session.lookup(['host', 'guest']);
  drillReport(drill, lookup, session.useColour).forEach((line) => session.print(line));
}

function printPrediction(session: Session, prediction: RouteResponse<'drill.predict'>): void {
  if (!session.isForPeople) return session.printValue(prediction);
  const { phases, outages } = prediction;
  const orNever = (ms: number | null): string => (ms === null ? 'not reached' : formatDuration(ms));
  for (const { name, predictedMs } of phases) session.print(`${name.padEnd(8)} ${orNever(predictedMs)}`);
  for (const { guestName, outageMs } of outages) session.print(`${guestName}: out for ${orNever(outageMs)}`);
  session.print('By the simulator, from the fleet as it is. Nothing was broken.');
}

async function follow(session: Session, drill: Drill, deadlineMs: number): Promise<Drill> {
  return session.wait({
    what: `the drill to end (${drill.id})`,
    deadlineMs,
    read: () => session.api.call('drill.get', { params: { id: drill.id } }),
    isDone: ({ endedAt }) => endedAt !== null,
    describe: ({ state, phases }) =>
      [
        state,
        ...phases
          .filter(({ measuredMs }) => measuredMs !== null)
          .map(({ name, measuredMs }) => `${name} ${measuredMs} ms`),
      ].join(', '),
  });
}

export const drillCommands = [
  command({
    path: 'drill run',
    summary: 'predict a failure, cause it, measure the recovery, and say whether it was good enough',
    parameters: [{ name: 'kind', choices: drillKinds }],
    flags: {
      host: { type: 'text', names: 'host', summary: 'whose loss, or whose links (all but guest-crash)' },
      guest: { type: 'text', names: 'guest', summary: 'guest-crash: which' },
      network: {
        type: 'text',
        choices: hostNetworks,
        summary: 'link-cut and link-slow: only that of the host (both)',
      },
      duration: { type: 'duration', summary: 'link-cut and link-slow: how long, 1s to 60s (10s)' },
      delay: { type: 'duration', summary: 'link-slow: of each frame and direction (50ms)' },
      loss: { type: 'share', summary: 'link-slow: the share of frames that is lost (0.01)' },
      objective: {
        type: 'texts',
        placeholder: 'phase=ms',
        summary: `the longest time from the injection to ${drillPhases.join(', ')}; may be repeated`,
      },
      'plan-only': { type: 'flag', summary: 'say what the simulator predicts, and break nothing' },
      'no-wait': { type: 'flag', summary: 'do not stay for the report: argosy drill show prints it later' },
      timeout: timeoutFlag,
    },
    examples: [
      'drill run host-loss --host h2 --objective detect=3s --objective alive=5s',
      'drill run guest-crash --guest web',
      'drill run host-loss --host h2 --plan-only',
      'drill run link-cut --host h2 --network management --duration 10s',
    ],
    run: async (session, { parameters, flags }) => {
      const impairment = givenAny({
        networks: flags.network === undefined ? undefined : [flags.network],
        durationMs: flags.duration,
        delayMs: flags.delay,
        lossShare: flags.loss,
      });
      const body = {
        drill: parameters.kind,
        ...given({ host: flags.host, guest: flags.guest, objectives: parseObjectives(flags.objective), impairment }),
      };
      if (parameters.kind === 'guest-crash' ? flags.guest === undefined : flags.host === undefined) {
        throw usageFailure(
          `A drill of kind ${parameters.kind} needs --${parameters.kind === 'guest-crash' ? 'guest <guest>' : 'host <host>'}.`,
        );
      }
      if (flags['plan-only']) {
        printPrediction(session, await session.api.call('drill.predict', { body }));
        return 'done';
      }
      const begun = await session.api.call('drill.run', { body });
      if (flags['no-wait']) {
        session.printDone(drillView, begun, `The drill has begun: argosy drill show ${begun.id}`);
        return 'done';
      }
      const drill = await follow(session, begun, flags.timeout ?? drillMs);
      await printReport(session, drill);
      if (drill.state === 'aborted')
        throw new Failure('failed', `The drill was aborted: ${drill.explanation || 'no reason was given'}`);
      return drill.verdict === 'met' ? 'done' : 'missed';
    },
  }),
  command({
    path: 'drill list',
    summary: 'list the drills, newest first',
    flags: { limit: limitFlag, watch: watchFlag },
    run: async (session, { flags }) => {
      const read = () => session.api.list('drill.list', { limit: flags.limit ?? defaultLimit });
      if (flags.watch) return session.watch(drillView, ['drill'], read);
      await session.printRows(drillView, await read());
      return 'done';
    },
  }),
  command({
    path: 'drill show',
    summary: "print a drill's timeline, outages and verdict",
    parameters: [{ name: 'drill' }],
    run: async (session, { parameters }) => {
      await printReport(
        session,
        await session.api.call('drill.get', {
          params: { id: await resolveId(session.api, 'drill', parameters.drill) },
        }),
      );
      return 'done';
    },
  }),
];
