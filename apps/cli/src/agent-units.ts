import { join } from 'node:path';

/** What runs on a host, each by itself: neither the agent's end nor the watchdog's may be the end of another. */
export const unitParts = ['agent', 'heartbeat', 'watchdog'] as const;
export type UnitPart = (typeof unitParts)[number];

export interface UnitSettings {
  /** Of the agent, and as far as it is concerned of the watchdog. */
  readonly environment: Readonly<Record<string, string>>;
  /** The folder of the shared datastore. null: then there is nothing for heartbeat and watchdog to write to. */
  readonly datastoreFolder: string | null;
  readonly programFolder: string;
  readonly nodePath: string;
}

const descriptions: Readonly<Record<UnitPart, string>> = {
  agent: 'Argosy agent',
  heartbeat: "Argosy: this host's heartbeat on the datastore",
  watchdog: 'Argosy watchdog',
};

/** The watchdog is given nothing that it does not need, and no secret. */
const watchdogVariables = ['ARGOSY_HOST', 'ARGOSY_STATE_FOLDER', 'ARGOSY_DATASTORE_FOLDER'];

/** A systemd unit for that part. */
export function unitOf(part: UnitPart, settings: UnitSettings): string {
  const { environment, datastoreFolder } = settings;
  const hasDatastore = datastoreFolder !== null;
  const wanted = ['network-online.target'];
  if (part === 'agent' && hasDatastore) wanted.push('argosy-heartbeat.service', 'argosy-watchdog.service');
  const mounts = hasDatastore ? [`RequiresMountsFor=${quoted(datastoreFolder)}`] : [];
  const variables = Object.entries(environment).filter(
    ([name]) => part === 'agent' || (part === 'watchdog' && watchdogVariables.includes(name)),
  );
  return [
    '[Unit]',
    `Description=${descriptions[part]}`,
    'After=network-online.target',
    `Wants=${wanted.join(' ')}`,
    ...mounts,
    '',
    '[Service]',
    ...variables.map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    ...serviceOf(part, settings),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ].join('\n');
}

function serviceOf(part: UnitPart, settings: UnitSettings): readonly string[] {
  const { environment, datastoreFolder, programFolder, nodePath } = settings;
  const node = (path: string): string =>
    `ExecStart=${argument(nodePath)} --enable-source-maps ${argument(join(programFolder, 'dist/apps/agent/src', path))}`;
  switch (part) {
    case 'agent':
      return [
        node('main.js'),
        'Restart=always',
        'RestartPreventExitStatus=78',
        '# The guests outlive their agent.',
        'KillMode=process',
      ];
    case 'heartbeat': {
      const file = join(datastoreFolder ?? '', 'heartbeats', environment['ARGOSY_HOST'] ?? '');
      // The file is an argument of the shell and no part of its program, so no name of a folder can be one.
      const beat = 'n=0; while :; do n=$$((n+1)); { echo $$n > "$$0"; } 2>/dev/null; sleep 0.5; done';
      return [`ExecStart=/bin/sh -c '${beat}' ${argument(file)}`, 'Restart=always'];
    }
    case 'watchdog':
      return [
        node('watchdog/main.js'),
        'Restart=always',
        'RestartSec=0.2',
        '# It ends guests itself, when it has to.',
        'KillMode=process',
      ];
  }
}

/** Of a command line, where a variable would be put in. */
function argument(text: string): string {
  return quoted(text).replaceAll('$', () => '$$');
}

/** As systemd reads it; what would end the quotation, or begin a specifier, is escaped. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;
}
