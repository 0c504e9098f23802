import type { QmpClient } from './qmp';

interface PortStatus {
  /** To the monitor, which shows what a processor would read there. */
  readonly ask: string;
  /** Of the answer; `empty`: its value when nothing is left to be read. */
  readonly bit: number;
  readonly empty: number;
}

/** The status registers of the serial ports that our machines have. Reading them takes nothing from the guest. */
const portStatus: Readonly<Record<string, PortStatus>> = {
  // A 16550's line status: data ready.
  x86_64: { ask: 'i/b 0x3fd', bit: 0x01, empty: 0 },
  // A PL011's flags: receive FIFO empty.
  aarch64: { ask: 'xp/1wx 0x09000018', bit: 0x10, empty: 0x10 },
};

/** Whether the guest has read all that came to its serial port. */
export async function hasReadAll(qmp: QmpClient, architecture: string): Promise<boolean> {
  const status = portStatus[architecture];
  if (!status) return true;
  const said = await qmp.call<string>('human-monitor-command', { 'command-line': status.ask });
  const value = Number(/(0x[0-9a-f]+)\s*$/.exec(said)?.[1]);
  return (value & status.bit) === status.empty;
}

export function unheard(name: string): string {
  return `${name} reads nothing from its console, and 4096 characters wait for it already; type again when it does.`;
}
