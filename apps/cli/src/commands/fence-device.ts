import { readFileSync } from 'node:fs';
import { fenceDeviceKinds } from '@argosy/domain/fence-device';
import { command, given } from '../command';
import { usageFailure } from '../failure';
import { fenceDeviceView, hostView } from '../output/inventory-views';

const host = { name: 'host', names: 'host' } as const;

/** `key=value`, repeated. */
function pairs(texts: readonly string[], flag: string): Record<string, string> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map((text) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (key === undefined || value === undefined)
        throw usageFailure(
          `--${flag} ${JSON.stringify(text)} is not key=value.`,
          'See "argosy host fence-device add --help".',
        );
      return [key, value];
    }),
  );
}

/** A secret is in a file: on a command line every user of the machine could read it. */
function secretsOf(texts: readonly string[]): Record<string, string> | undefined {
  const files = pairs(texts, 'secret');
  if (files === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(files).map(([key, file]) => {
      try {
        return [key, readFileSync(file, 'utf8').replace(/\r?\n$/, '')];
      } catch (error) {
        throw usageFailure(
          `The file of secret ${key} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
          'Give --secret key=/path/of/a/file.',
        );
      }
    }),
  );
}

export const fenceDeviceCommands = [
  command({
    path: 'host fence-device list',
    summary: "list a host's fence devices, in the order in which they are tried",
    parameters: [host],
    run: async (session, { parameters }) => {
      const row = await session.api.call('host.get', { params: parameters });
      await session.printRows(
        fenceDeviceView,
        row.fenceDevices.map((device, index) => ({ order: index + 1, ...device })),
      );
      return 'done';
    },
  }),
  command({
    path: 'host fence-device add',
    summary: 'give a host a way to be proved off, or replace the one of that name',
    parameters: [host, { name: 'name' }],
    flags: {
      kind: {
        type: 'text',
        choices: fenceDeviceKinds,
        required: true,
        summary: `one of ${fenceDeviceKinds.join(', ')}`,
      },
      address: {
        type: 'text',
        required: true,
        summary: 'the path of a power switch, the program of a fence agent (fence_ipmilan), or a URL',
      },
      option: { type: 'texts', placeholder: 'key=value', summary: "an option of the agent's own manual; repeated" },
      secret: {
        type: 'texts',
        placeholder: 'key=file',
        summary: 'an option whose value is in a file, and is never shown',
      },
      deadline: { type: 'duration', summary: 'the next device is tried when this one has not confirmed by then' },
      position: { type: 'count', summary: '1: tried first (last)' },
    },
    examples: [
      'host fence-device add h1 ipmi --kind fence-agent --address fence_ipmilan --option ip=10.0.0.7 --option username=ops --secret password=/root/ipmi',
      'host fence-device add h1 cloud --kind webhook --address https://power.example/off --secret token=/root/token',
    ],
    run: async (session, { parameters, flags }) => {
      const { kind, address, deadline, position } = flags;
      const [options, secrets] = [pairs(flags.option, 'option'), secretsOf(flags.secret)];
      const row = await session.api.call('host.add-fence-device', {
        params: { host: parameters.host },
        body: { name: parameters.name, kind, address, ...given({ options, secrets, deadlineMs: deadline, position }) },
      });
      session.printDone(
        hostView,
        row,
        `Host ${row.name} is fenced by ${row.fenceDevices.map(({ name }) => name).join(', then ')}.`,
      );
      return 'done';
    },
  }),
  command({
    path: 'host fence-device remove',
    summary: 'take a fence device from a host',
    parameters: [host, { name: 'name' }],
    run: async (session, { parameters }) => {
      await session.confirm(parameters.name, `take fence device ${parameters.name} from host ${parameters.host}`);
      const row = await session.api.call('host.remove-fence-device', {
        params: { host: parameters.host, device: parameters.name },
      });
      session.printDone(hostView, row, `Host ${row.name} is not fenced by ${parameters.name} any more.`);
      return 'done';
    },
  }),
];
