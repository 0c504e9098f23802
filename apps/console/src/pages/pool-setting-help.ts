import type { Pool } from '../fleet/rows';

export const settingGroups = [
  ['balance', 'Balancing'],
  ['migration', 'Migrations'],
  ['failure', 'Failures'],
  ['power', 'Power saving'],
  ['network', 'Network'],
] as const;
export type SettingGroup = (typeof settingGroups)[number][0];

/** What each setting does, for who reads its name for the first time. A setting without a word here does not compile. */
export const settingHelp: { readonly [Group in SettingGroup]: Readonly<Record<keyof Pool[Group], string>> } = {
  balance: {
    automation: 'Who applies recommendations: manual nobody, partial places starts, full moves as well.',
    threshold: '1 to 5: only what rules demand, up to any gain.',
    intervalMs: 'Between two looks at the balance.',
    coolDownMs: 'So long a guest that moved stays where it is.',
    cpuSafetyShare: 'Demand above this share of a host counts as unmet.',
    memoryRatio: 'Guests may be promised so many times a host’s memory.',
    vcpuRatio: 'Virtual processors for each of a host’s; 0: no limit.',
  },
  migration: {
    autoConverge: 'A guest that writes faster than it is copied is slowed.',
    postCopy: 'Always ends; till then the loss of either host is a crash.',
    encrypted: 'TLS, with a key for each migration.',
    bandwidthMiBPerSecond: 'At most, for each migration.',
    downtimeLimitMs: 'The guest stops when so much time suffices for the rest.',
    copyDeadlineMs: 'Then the copy is cancelled; the guest runs on.',
    concurrentPerHost: 'More stretch each guest’s standstill.',
  },
  failure: {
    suspectAfterMs: 'A host that is silent for so long is suspect.',
    failedAfterMs: 'Silent for so long on both channels, it has failed.',
    datastoreSilentAfterMs: 'Several times what storage may stall.',
    maximumSilentHosts: 'More at once: an alarm, and nobody is fenced.',
    isolatedAfterMs: 'Cut off for so long, a host calls itself isolated.',
    watchdogLeaseMs: 'Storage that stalls for longer ends the host’s guests.',
    lockIsProof: 'A disk’s free lock proves its guest dead. Not on NFS.',
    restartReady: 'The next restart priority begins when guests are so far.',
    restartWaitMs: 'Who is not so far by then is waited for no longer.',
    guestMonitoringMs: 'A guest that is silent for so long is reset; 0: off.',
    guestRestarts: 'Within the window; then the guest is given up.',
    poolRestarts: 'Within the window; then the others wait.',
    hostFailures: 'Within the window; then it gets no guests. 0: never.',
    budgetWindowMs: 'In which restarts and failures are counted.',
    admission: 'How room for failures is kept.',
    reservedCpuShare: 'With reserved-share: so much stays free.',
    reservedMemoryShare: 'With reserved-share: so much stays free.',
    toleratedHostFailures: 'With host-failures: so many hosts may be lost.',
  },
  power: {
    automation: 'Hosts that are not needed: off nobody, manual recommends, automatic switches them off and on.',
    offShare: 'A host goes off when the others stay below this share.',
    onShare: 'One is switched on when load is above this share.',
    lowForMs: 'So long load must have been low before.',
  },
  network: {
    subnet: 'Of this pool’s guests; those of two pools do not overlap.',
    gateway: 'The router that guests are told of; empty: none.',
  },
};
