import { simulationTransitions } from '@argosy/domain/lifecycle';
import {
  fleetPolicyNames,
  guestFates,
  type Simulation,
  type SimulationReport,
  type SimulationRequest,
} from '@argosy/domain/simulation';
import { drillPhases } from '@argosy/domain/drill';
import { z } from 'zod';
import { poolSettingsBody } from './bodies';
import { describes } from './describes';
import { nameField, oneOf, referenceField, strictBody, textField, wholeNumber } from './fields';
import { orNull, statesOf } from './responses';

const text = z.string();
const number = z.number();
const instant = z.number();

const dayMs = 86_400_000;
const hostField = referenceField.describe('A host of the pool, by its name.');
const balanceField = poolSettingsBody.shape.balance.unwrap();

const changeField = z.discriminatedUnion(
  'kind',
  [
    strictBody({ kind: z.literal('host-lost'), host: hostField }),
    strictBody({
      kind: z.literal('host-added'),
      host: nameField,
      cpuMillicores: wholeNumber(1, 4_096_000, 'millicores (1000 is one processor)'),
      memoryMiB: wholeNumber(1, 1_073_741_824, 'MiB'),
    }),
    strictBody({ kind: z.literal('maintenance'), host: hostField }),
    strictBody({ kind: z.literal('balance'), settings: balanceField }),
  ],
  { error: 'must be a change of kind host-lost, host-added, maintenance or balance' },
);

const whatIfBody = strictBody({
  kind: z.literal('what-if'),
  title: textField(200).exactOptional(),
  pool: referenceField.describe('The pool that it is about, by its id or its name.'),
  changes: z
    .array(changeField, { error: 'must be a list of changes' })
    .min(1, 'must have at least one change')
    .max(200, 'must have at most 200 changes'),
  forMs: wholeNumber(1000, dayMs, 'ms')
    .exactOptional()
    .describe('How long the fleet is watched; 5 minutes if it is left out.'),
  at: wholeNumber(0, 8.64e15, 'ms since 1970')
    .exactOptional()
    .describe('With the fleet as it was then, as far as it was kept; without it, now.'),
});

/** A controller simulates beside its own work: larger fleets are for `argosy sim fleet`. */
const mostGuestDays = 200_000;
const fleetBody = strictBody({
  kind: z.literal('fleet'),
  title: textField(200).exactOptional(),
  hosts: wholeNumber(1, 10_000),
  guests: wholeNumber(1, 100_000),
  days: wholeNumber(1, 7),
  seed: wholeNumber(0, 4_294_967_295).exactOptional().describe('The same gives the same; 1 if it is left out.'),
  policies: z
    .array(oneOf(fleetPolicyNames), { error: `must be a list of ${fleetPolicyNames.join(', ')}` })
    .min(1, 'must name at least one policy')
    .max(fleetPolicyNames.length, `must name at most ${fleetPolicyNames.length} policies`)
    .refine((names) => new Set(names).size === names.length, 'must name each policy once'),
}).refine(({ guests, days }) => guests * days <= mostGuestDays, {
  path: ['guests'],
  message: `must be at most ${mostGuestDays} divided by days; run larger fleets with "argosy sim fleet"`,
});

export const newSimulationBody = z.discriminatedUnion('kind', [whatIfBody, fleetBody], {
  error: 'must be an object whose kind is what-if or fleet',
});
export type NewSimulation = z.output<typeof newSimulationBody>;

const requestSchema = describes<SimulationRequest>()(
  z.union([
    z.object({
      kind: z.literal('what-if'),
      poolId: text,
      changes: z.array(
        z.union([
          z.object({ kind: z.literal('host-lost'), host: text }),
          z.object({ kind: z.literal('host-added'), host: text, cpuMillicores: number, memoryMiB: number }),
          z.object({ kind: z.literal('maintenance'), host: text }),
          z.object({ kind: z.literal('balance'), settings: balanceField }),
        ]),
      ),
      forMs: number,
      at: orNull(instant),
    }),
    z.object({
      kind: z.literal('fleet'),
      hosts: number,
      guests: number,
      days: number,
      seed: number,
      policies: z.array(z.enum(fleetPolicyNames)),
    }),
  ]),
);

const hostOutlook = z.object({
  host: text,
  state: text,
  guests: number,
  cpuDemandMillicores: number,
  cpuMillicores: number,
  memoryUsedMiB: number,
  memoryMiB: number,
});

const reportSchema = describes<SimulationReport>()(
  z.union([
    z.object({
      kind: z.literal('what-if'),
      before: z.array(hostOutlook),
      after: z.array(hostOutlook),
      guests: z.array(
        z.object({
          guest: text,
          from: orNull(text),
          to: orNull(text),
          fate: z.enum(guestFates),
          outageMs: number,
          reason: text,
        }),
      ),
      refused: z.array(text),
      alarms: z.array(text),
      notes: z.array(text),
      log: z.array(text),
    }),
    z.object({
      kind: z.literal('fleet'),
      hosts: number,
      guests: number,
      simulatedSeconds: number,
      figures: z.array(z.object({ name: text, unit: text, meaning: text, digits: number })),
      policies: z.array(
        z.object({
          policy: text,
          values: z.array(number),
          samples: z.array(
            z.object({
              seconds: number,
              hostsOn: number,
              watts: number,
              migrations: number,
              meanLoad: number,
              loadDeviation: number,
              strandedShare: number,
            }),
          ),
        }),
      ),
    }),
  ]),
);

export const simulationSchema = describes<Simulation>()(
  z.object({
    id: text,
    request: requestSchema,
    title: text,
    state: statesOf(simulationTransitions),
    progress: number,
    outcome: text,
    requestedBy: text,
    createdAt: instant,
    endedAt: orNull(instant),
  }),
);

export const simulationReportSchema = simulationSchema.extend({ report: orNull(reportSchema) });

/** What the simulator says that a drill would show; times from the injection, as in the drill itself. null: it is not reached. */
export const drillPredictionSchema = z.object({
  phases: z.array(z.object({ name: z.enum(drillPhases), predictedMs: orNull(number) })),
  outages: z.array(z.object({ guestId: text, guestName: text, outageMs: orNull(number), toHostId: orNull(text) })),
});
export type DrillOutlook = z.output<typeof drillPredictionSchema>;
