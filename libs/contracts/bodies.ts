import { isGuestRule, displays, probeKinds, ruleKinds } from '@argosy/domain/entities';
import {
  admissionPolicies,
  automationLevels,
  isolationResponses,
  restartPriorities,
  restartReadiness,
  powerAutomations,
} from '@argosy/domain/policies';
import { firmwares, imageFormats } from '@argosy/domain/storage';
import { drillKinds, drillPhases, hostNetworks, phasesOf } from '@argosy/domain/drill';
import { roles } from '@argosy/domain/access';
import { fenceDeviceKinds } from '@argosy/domain/fence-device';
import type {
  DatastoreSettings,
  GuestSettings,
  HostSettings,
  NewClone,
  NewDatastore,
  NewFenceDevice,
  NewGuest,
  NewImage,
  NewRule,
  PoolSettings,
} from '@argosy/domain/fleet-request';
import { isInitrdPath } from '@argosy/domain/image-files';
import { z } from 'zod';
import { describes } from './describes';
import {
  addressField,
  addressRule,
  flagField,
  nameField,
  oneOf,
  pathField,
  referenceField,
  share,
  strictBody,
  subnetField,
  textField,
  wholeNumber,
} from './fields';
import { hostRegistrationSchema } from './telemetry';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How many times what there is may be promised. */
const ratio = (least: number) =>
  z
    .number({ error: `must be a number from ${least} to 64` })
    .min(least, `must be a number from ${least} to 64`)
    .max(64, `must be a number from ${least} to 64`);

const poolSettingsShape = {
  balance: strictBody({
    automation: oneOf(automationLevels).exactOptional(),
    threshold: wholeNumber(1, 5).exactOptional(),
    intervalMs: wholeNumber(1000, dayMs, 'ms').exactOptional(),
    coolDownMs: wholeNumber(0, dayMs, 'ms').exactOptional(),
    cpuSafetyShare: share(0.1, 1).exactOptional(),
    memoryRatio: ratio(1).exactOptional(),
    vcpuRatio: ratio(0).exactOptional(),
  }).exactOptional(),
  migration: strictBody({
    autoConverge: flagField.exactOptional(),
    postCopy: flagField.exactOptional(),
    encrypted: flagField.exactOptional(),
    bandwidthMiBPerSecond: wholeNumber(1, 1_000_000, 'MiB/s').exactOptional(),
    downtimeLimitMs: wholeNumber(1, 60_000, 'ms').exactOptional(),
    copyDeadlineMs: wholeNumber(1000, dayMs, 'ms').exactOptional(),
    concurrentPerHost: wholeNumber(1, 64).exactOptional(),
  }).exactOptional(),
  failure: strictBody({
    suspectAfterMs: wholeNumber(500, hourMs, 'ms').exactOptional(),
    failedAfterMs: wholeNumber(1000, hourMs, 'ms').exactOptional(),
    datastoreSilentAfterMs: wholeNumber(1000, hourMs, 'ms').exactOptional(),
    maximumSilentHosts: wholeNumber(0, 100_000).exactOptional(),
    isolatedAfterMs: wholeNumber(2000, hourMs, 'ms').exactOptional(),
    watchdogLeaseMs: wholeNumber(5000, hourMs, 'ms').exactOptional(),
    lockIsProof: flagField.exactOptional(),
    restartReady: oneOf(restartReadiness).exactOptional(),
    restartWaitMs: wholeNumber(0, hourMs, 'ms').exactOptional(),
    guestMonitoringMs: wholeNumber(0, hourMs, 'ms')
      .refine((ms) => ms === 0 || ms >= 5000, 'must be 0 (off), or from 5000 to 3600000 ms')
      .exactOptional(),
    guestRestarts: wholeNumber(1, 10_000).exactOptional(),
    poolRestarts: wholeNumber(1, 1_000_000).exactOptional(),
    hostFailures: wholeNumber(0, 1000).exactOptional(),
    budgetWindowMs: wholeNumber(60_000, dayMs, 'ms').exactOptional(),
    admission: oneOf(admissionPolicies).exactOptional(),
    reservedCpuShare: share(0, 1).exactOptional(),
    reservedMemoryShare: share(0, 1).exactOptional(),
    toleratedHostFailures: wholeNumber(0, 1000).exactOptional(),
  }).exactOptional(),
  power: strictBody({
    automation: oneOf(powerAutomations).exactOptional(),
    offShare: share(0.1, 1).exactOptional(),
    onShare: share(0.1, 1).exactOptional(),
    lowForMs: wholeNumber(0, dayMs, 'ms').exactOptional(),
  }).exactOptional(),
  network: strictBody({
    subnet: subnetField.exactOptional(),
    gateway: z.union([addressField, z.null()], { error: `${addressRule}, or null for none` }).exactOptional(),
  }).exactOptional(),
  isolationResponse: oneOf(isolationResponses).exactOptional(),
};
export const poolSettingsBody = describes<PoolSettings>()(strictBody(poolSettingsShape));

export const newPoolBody = strictBody({ name: nameField, settings: poolSettingsBody.exactOptional() });
export const poolUpdateBody = strictBody({
  name: nameField.exactOptional(),
  settings: poolSettingsBody.exactOptional(),
});

export const hostSettingsBody = describes<HostSettings>()(
  strictBody({
    failureDomain: z
      .union([nameField, z.null()], { error: 'must be a name like rack-1, or null: the host alone' })
      .exactOptional(),
    failoverOnly: flagField.exactOptional(),
    degraded: z
      .union([textField(500).min(1), z.null()], { error: 'must say what is wrong, or be null: it is well' })
      .exactOptional(),
    quarantined: z
      .literal(false, { error: 'must be false: a host is put into quarantine by its failures' })
      .exactOptional(),
  }),
);

const optionsField = z
  .record(
    textField(64).regex(/^[a-z][a-z0-9_-]*$/, 'must be the name of an option, like ip or login_timeout'),
    textField(1000).refine((text) => !/[\r\n\0]/.test(text), 'must be one line of text'),
    { error: 'must be an object of options and their values' },
  )
  .refine((options) => !('action' in options), 'must not name an action: Argosy asks for off and status');
/** What each kind of device is reached by. */
const fenceAddresses = {
  chassis: [/^\/[^\0]*$/, "must be the path of the power switch's socket, beginning with /"],
  'fence-agent': [/^fence_[a-z0-9_]+$/, "must be the name of a fence agent's program, like fence_ipmilan"],
  webhook: [/^https?:\/\/[^\s]+$/, 'must be a URL, beginning with https:// or http://'],
} as const;
export const newFenceDeviceBody = describes<NewFenceDevice>()(
  strictBody({
    name: nameField,
    kind: oneOf(fenceDeviceKinds),
    address: textField(2000),
    options: optionsField.exactOptional(),
    secrets: optionsField.exactOptional(),
    deadlineMs: wholeNumber(1000, hourMs, 'ms').exactOptional(),
    position: wholeNumber(1, 100).exactOptional(),
  }).superRefine(({ kind, address }, context) => {
    const [pattern, message] = fenceAddresses[kind];
    if (!pattern.test(address)) context.addIssue({ code: 'custom', path: ['address'], message });
  }),
);

export const rollBody = strictBody({
  command: textField(1000).regex(
    /^[A-Za-z0-9_.-]+( [!-~]+)*$/,
    'must be the name of a program that the hosts provide for this, and its arguments with blanks between',
  ),
  planOnly: flagField.exactOptional(),
});

const vcpusField = wholeNumber(1, 512);
const memoryField = wholeNumber(16, 4_194_304, 'MiB');
const reservationField = wholeNumber(0, 512_000, 'millicores (1000 is one processor)');
const limitField = z.union([wholeNumber(10, 512_000), z.null()], {
  error: 'must be a whole number from 10 to 512000 millicores (1000 is one processor), or null for no limit',
});
const sharesField = wholeNumber(1, 1_000_000);

const probeField = z
  .union(
    [
      strictBody({
        kind: oneOf(probeKinds),
        port: wholeNumber(1, 65_535),
        path: textField(1000)
          .regex(/^\/[!-~]*$/, 'must begin with / and hold no blanks')
          .default('/'),
        status: wholeNumber(100, 599).default(200),
      }),
      z.null(),
    ],
    { error: 'must be a probe like {"kind":"http","port":80,"path":"/health","status":200}, or null' },
  )
  .exactOptional();

/** What may be set of a guest, at its making and later. */
const guestSettingsShape = {
  vcpus: vcpusField.exactOptional(),
  memoryMiB: memoryField.exactOptional(),
  cpuReservationMillicores: reservationField.exactOptional(),
  cpuLimitMillicores: limitField.exactOptional(),
  cpuShares: sharesField.exactOptional(),
  restartPriority: oneOf(restartPriorities).exactOptional(),
  display: oneOf(displays).exactOptional(),
  probe: probeField,
};

const newGuestShape = {
  datastore: referenceField.exactOptional(),
  ...guestSettingsShape,
  cloudInit: z
    .union([textField(65_536), z.null()], { error: 'must be text of at most 65536 characters, or null' })
    .exactOptional(),
  start: flagField.exactOptional(),
};
export const newGuestBody = describes<NewGuest>()(
  strictBody({
    name: nameField,
    pool: referenceField,
    image: referenceField.exactOptional(),
    template: referenceField.exactOptional(),
    full: flagField.exactOptional(),
    diskMiB: wholeNumber(1, 16_777_216, 'MiB').exactOptional(),
    ...newGuestShape,
  }).refine(({ image, template }) => (image === undefined) !== (template === undefined), {
    path: ['image'],
    message: 'must be given, or a template instead: one of the two',
  }),
);
/** `linked`: the disk is shared, and both go on in overlays of it. `snapshot`: as the source was then. */
export const newCloneBody = describes<NewClone>()(
  strictBody({
    name: nameField,
    linked: flagField.exactOptional(),
    snapshot: referenceField.exactOptional(),
    pool: referenceField.exactOptional(),
    ...newGuestShape,
  }),
);

export const guestSettingsBody = describes<GuestSettings>()(
  strictBody({ name: nameField.exactOptional(), ...guestSettingsShape }),
);

/** `force` pulls the plug instead of asking the guest to shut down. */
export const stopBody = strictBody({ force: flagField.exactOptional() });
export const migrateBody = strictBody({
  host: referenceField.exactOptional(),
  datastore: referenceField.exactOptional(),
  reason: textField(500).exactOptional(),
});
/** `from` is said, since nothing else can be meant without knowing it. */
export const recoverBody = strictBody({ from: z.enum(['source']), planOnly: flagField.exactOptional() });
/** `memory` false: the disk alone, as after a power cut. */
export const newSnapshotBody = strictBody({ name: nameField, memory: flagField.exactOptional() });
export const consoleWriteBody = strictBody({ text: textField(4096).min(1, 'must not be empty') });

const pathOrNull = z.union([pathField, z.null()], { error: 'must be an absolute path with no ".." step, or null' });
const initrdPathField = pathField.refine(
  isInitrdPath,
  'must have no comma and no space, at which QEMU would end the path; rename the file, or the folder that it is in',
);
const initrdPathOrNull = z.union([initrdPathField, z.null()], {
  error: 'must be an absolute path with no ".." step, no comma and no space, or null',
});
export const newImageShape = strictBody({
  name: nameField,
  format: oneOf(imageFormats),
  architecture: textField(32)
    .regex(/^[a-z0-9_]+$/, 'must be a processor architecture, like x86_64 or aarch64')
    .exactOptional(),
  firmware: oneOf(firmwares).exactOptional(),
  kernelPath: pathOrNull.exactOptional(),
  initrdPath: initrdPathOrNull.exactOptional(),
  kernelArguments: z
    .union([textField(2048), z.null()], { error: 'must be text of at most 2048 characters, or null' })
    .exactOptional(),
  diskPath: pathOrNull.exactOptional(),
  datastore: referenceField.exactOptional(),
  minimumMemoryMiB: memoryField.exactOptional(),
});
export const newImageBody = describes<NewImage>()(
  newImageShape
    .refine((image) => image.format !== 'kernel' || Boolean(image.kernelPath), {
      path: ['kernelPath'],
      message: 'must be given for an image of format kernel',
    })
    .refine((image) => image.format === 'kernel' || Boolean(image.diskPath), {
      path: ['diskPath'],
      message: 'must be given for an image of format qcow2 or raw',
    }),
);

/** From 1 %, so that an alarm can be asked for at once. */
const usedShareField = share(0.01, 1);
export const newDatastoreBody = describes<NewDatastore>()(
  strictBody({
    name: nameField,
    path: pathField,
    shared: flagField,
    host: referenceField.exactOptional(),
    alarmUsedShare: usedShareField.exactOptional(),
  }).refine((datastore) => datastore.shared !== (datastore.host !== undefined), {
    path: ['host'],
    message: 'must be given for a datastore that is not shared, and left out for one that is',
  }),
);
export const datastoreSettingsBody = describes<DatastoreSettings>()(
  strictBody({ name: nameField.exactOptional(), alarmUsedShare: usedShareField.exactOptional() }),
);

export const newRuleBody = describes<NewRule>()(
  strictBody({
    name: nameField,
    pool: referenceField,
    kind: oneOf(ruleKinds),
    guests: z
      .array(referenceField, { error: 'must be a list of guests' })
      .min(1, 'must name at least one guest')
      .max(1000, 'must name at most 1000 guests'),
    hosts: z
      .array(referenceField, { error: 'must be a list of hosts' })
      .max(1000, 'must name at most 1000 hosts')
      .exactOptional(),
  })
    .refine((rule) => !isGuestRule(rule.kind) || rule.guests.length >= 2, {
      path: ['guests'],
      message: 'must name at least two guests for a rule of kind together, apart, spread or near',
    })
    .refine((rule) => !isGuestRule(rule.kind) || (rule.hosts ?? []).length === 0, {
      path: ['hosts'],
      message: 'must be left out for a rule of kind together, apart, spread or near, which speaks of guests only',
    })
    .refine((rule) => isGuestRule(rule.kind) || (rule.hosts ?? []).length >= 1, {
      path: ['hosts'],
      message: 'must name at least one host for a rule that speaks of hosts',
    }),
);

export const balanceBody = strictBody({ pool: referenceField });

export const applyRecommendationsBody = strictBody({
  recommendations: z.union([z.array(referenceField).min(1).max(1000), z.literal('all')], {
    error: 'must be "all", or a list of 1 to 1000 recommendation ids',
  }),
  pool: referenceField.exactOptional(),
});

const objectiveField = wholeNumber(1, dayMs, 'ms').exactOptional();
export { hostNetworks, phasesOf };
export const drillBody = strictBody({
  drill: oneOf(drillKinds),
  host: referenceField.exactOptional(),
  guest: referenceField.exactOptional(),
  impairment: strictBody({
    networks: z
      .array(oneOf(hostNetworks), { error: `must be a list of ${hostNetworks.join(', ')}` })
      .min(1, `must name at least one of ${hostNetworks.join(', ')}`)
      .exactOptional(),
    durationMs: wholeNumber(1000, 60_000, 'ms').exactOptional(),
    delayMs: wholeNumber(0, 5000, 'ms').exactOptional(),
    lossShare: share(0, 0.9).exactOptional(),
  }).exactOptional(),
  objectives: strictBody({
    inject: objectiveField,
    detect: objectiveField,
    fence: objectiveField,
    restart: objectiveField,
    alive: objectiveField,
  }).exactOptional(),
})
  .refine((body) => body.drill === 'guest-crash' || body.host !== undefined, {
    path: ['host'],
    message: 'must be given for a drill of any kind but guest-crash',
  })
  .refine((body) => body.drill !== 'guest-crash' || body.guest !== undefined, {
    path: ['guest'],
    message: 'must be given for a drill of kind guest-crash',
  })
  .refine((body) => body.impairment === undefined || body.drill === 'link-cut' || body.drill === 'link-slow', {
    path: ['impairment'],
    message: 'must be left out for a drill of another kind than link-cut or link-slow',
  })
  .refine(
    ({ drill, impairment: { delayMs, lossShare } = {} }) =>
      drill !== 'link-cut' || (delayMs === undefined && lossShare === undefined),
    { path: ['impairment'], message: 'must give neither delayMs nor lossShare for a drill of kind link-cut' },
  )
  .superRefine(({ drill, impairment, objectives = {} }, context) => {
    const phases = phasesOf(drill, impairment?.networks ?? hostNetworks);
    for (const name of drillPhases)
      if (objectives[name] !== undefined && !phases.includes(name))
        context.addIssue({
          code: 'custom',
          path: ['objectives', name],
          message: `must be left out: this drill has the phases ${phases.join(', ')}`,
        });
  });

export const newUserBody = strictBody({ name: nameField, role: oneOf(roles) });
export const userUpdateBody = strictBody({ role: oneOf(roles) });

const lifetimeField = wholeNumber(60_000, 3650 * dayMs, 'ms').exactOptional();
/** No `expiresInMs`: the token holds until it is revoked. No `user`: it is the caller's own. */
export const newTokenBody = strictBody({
  user: referenceField.exactOptional(),
  description: textField(200).exactOptional(),
  expiresInMs: lifetimeField,
});
/** With `host`: for this host alone, also if it has joined before and has lost its credential. */
export const newJoinTokenBody = strictBody({
  pool: referenceField.exactOptional(),
  host: nameField.exactOptional(),
  description: textField(200).exactOptional(),
  reusable: flagField.exactOptional(),
  expiresInMs: lifetimeField,
});

export const registerBody = strictBody({
  ...hostRegistrationSchema.shape,
  hostName: nameField,
  /** Without it: that which the host is in, or its join token is for, or the only one. */
  poolName: nameField.exactOptional(),
  peerAddress: textField(300).regex(/^.+:\d{1,5}$/, 'must be host:port, where other agents reach this one'),
  queue: nameField,
  /** With a join token: the SHA-256 of the secret by which the agent will be known, which it has made itself. */
  credentialHash: z
    .string({ error: 'must be text' })
    .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a secret, in 64 hexadecimal digits')
    .exactOptional(),
  capacity: strictBody({
    cpuMillicores: wholeNumber(1, 4_096_000, 'millicores (1000 is one processor)'),
    memoryMiB: wholeNumber(1, 1_073_741_824, 'MiB'),
  }),
});
