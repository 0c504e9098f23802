import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { displays, type GuestProbe } from '@argosy/domain/entities';
import { restartPriorities } from '@argosy/domain/policies';
import { given, type Flag, type FlagValues } from '../command';
import { Failure, usageFailure } from '../failure';
import type { Session } from '../session';

export const settingFlags = {
  vcpus: { type: 'count', summary: 'virtual processors' },
  memory: { type: 'memory', summary: 'memory' },
  'cpu-reservation': { type: 'cpu', summary: 'what it is always given' },
  'cpu-limit': { type: 'cpuLimit', summary: 'what it is never given more of' },
  'cpu-shares': { type: 'count', summary: 'its weight where processors are scarce (1000 is usual)' },
  priority: { type: 'text', choices: restartPriorities, summary: 'its turn when a host is lost' },
  display: {
    type: 'text',
    choices: displays,
    summary: 'standard: a screen, keyboard and pointer, for 6 to 9 MiB of its host; none: its serial console alone',
  },
  probe: {
    type: 'text',
    placeholder: 'probe',
    summary: 'how it is seen to serve: tcp:5432, http:80/health=200, or none (its heartbeat)',
  },
} as const satisfies Record<string, Flag>;

/** tcp:PORT, http:PORT/PATH or http:PORT/PATH=STATUS. */
function probeOf(text: string | undefined): GuestProbe | null | undefined {
  if (text === undefined || text === 'none') return text === 'none' ? null : undefined;
  const [, kind, port, path = '/', status = '200'] = /^(tcp|http):(\d+)(\/[^=]*)?(?:=(\d{3}))?$/.exec(text) ?? [];
  if (kind !== 'tcp' && kind !== 'http')
    throw usageFailure(
      `${JSON.stringify(text)} is no probe.`,
      'Give tcp:5432, http:80/health, http:80/health=204 or none.',
    );
  return { kind, port: Number(port), path, status: Number(status) };
}

export function settingsOf(flags: FlagValues<typeof settingFlags>) {
  return given({
    vcpus: flags.vcpus,
    memoryMiB: flags.memory,
    cpuReservationMillicores: flags['cpu-reservation'],
    cpuLimitMillicores: flags['cpu-limit'],
    cpuShares: flags['cpu-shares'],
    restartPriority: flags.priority,
    display: flags.display,
    probe: probeOf(flags.probe),
  });
}

export function readCloudInit(session: Session, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const text = readFileSync(resolve(session.io.currentFolder, file), 'utf8');
    if (text.trimStart().startsWith('#')) return text;
    throw usageFailure(`${file} is no cloud-init user data: its first line must be like #cloud-config or #!/bin/sh.`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('no-file', `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}
