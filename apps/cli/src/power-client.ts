import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Failure } from './failure';

/** What a power process of the lab (apps/lab/power.mjs) answers: one JSON object a line. */
export type PowerAnswer =
  | ({ readonly ok: true; readonly power?: 'on' | 'off' } & Readonly<Record<string, unknown>>)
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface LabHost {
  readonly host: string;
  readonly socket: string;
  readonly failureDomain?: string;
}

const answerMs = 20_000;

function powerFailure(host: string, why: string): Failure {
  return new Failure('no-lab', `The power switch of ${host} does not answer: ${why}.`, {
    advice: 'Is the lab running? "npm start" starts it.',
  });
}

export function powerRequest({ host, socket: path }: LabHost, op: string): Promise<PowerAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    const end = (finish: () => void) => {
      clearTimeout(deadline);
      socket.destroy();
      finish();
    };
    const deadline = setTimeout(
      () => end(() => reject(powerFailure(host, `no answer after ${answerMs / 1000} s`))),
      answerMs,
    );
    socket.on('connect', () => socket.write(`${JSON.stringify({ id: 1, op })}\n`));
    socket.on('data', (data) => {
      text += data.toString('utf8');
      const newline = text.indexOf('\n');
      if (newline >= 0) end(() => resolve(JSON.parse(text.slice(0, newline)) as PowerAnswer));
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(() => reject(powerFailure(host, error.code ?? error.message))),
    );
    socket.on('close', () => end(() => reject(powerFailure(host, 'it closed the connection'))));
  });
}

interface LabFile {
  readonly datastore: string;
  readonly hosts: readonly LabHost[];
}

/** What the launcher wrote of its hosts. */
export function readLab(folder: string): LabFile {
  const path = join(folder, 'lab.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LabFile;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'it is no JSON';
    throw new Failure(why === 'EACCES' ? 'forbidden' : 'no-lab', `${path} cannot be read (${why}).`, {
      advice: 'Start a lab with "npm start", or name its folder with --lab.',
    });
  }
}

/** All hosts of a rack, a switch or whatever it is that fails as one. */
export function findLabDomain(hosts: readonly LabHost[], name: string): readonly LabHost[] {
  const found = hosts.filter(({ failureDomain }) => failureDomain === name);
  if (found.length > 0) return found;
  const known = [...new Set(hosts.flatMap(({ failureDomain }) => failureDomain ?? []))];
  throw new Failure('unknown-host', `The lab has no hosts in a failure domain ${name}.`, {
    advice:
      known.length === 0
        ? 'Its hosts are in none: only simulated ones are.'
        : `Its failure domains are ${known.join(', ')}.`,
  });
}

export function findLabHost(hosts: readonly LabHost[], name: string): LabHost {
  const found = hosts.find(({ host }) => host === name);
  if (found === undefined)
    throw new Failure('unknown-host', `The lab has no host ${name}.`, {
      advice: `Its hosts are ${someNames(hosts)}.`,
    });
  return found;
}

const toldHosts = 10;

/** Of a thousand hosts a few names show what they are like. */
export function someNames(hosts: readonly LabHost[]): string {
  const names = hosts.slice(0, toldHosts).map(({ host }) => host);
  return `${names.join(', ')}${hosts.length > toldHosts ? `, … (${hosts.length} in all)` : ''}`;
}
