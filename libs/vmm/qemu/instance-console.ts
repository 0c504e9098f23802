import type { Socket } from 'node:net';
import { GuestLineSplitter, parseGuestLine } from '@argosy/domain/guest-console';
import type { Instant } from '@argosy/domain/units';
import type { VmmEvent, VmmInstance } from '@argosy/control/ports/vmm-driver';
import { ConsoleInput, type SerialPort } from './console-input';

/** The guest's console as this agent hears it. What it says is kept by QEMU, with nobody connected. */
export class InstanceConsole {
  private socket: Socket | null = null;
  private splitter = new GuestLineSplitter();
  readonly input: ConsoleInput;

  constructor(
    private readonly host: { now(): Instant; tell(event: VmmEvent): void },
    private readonly instance: VmmInstance,
    port: Omit<SerialPort, 'write'>,
  ) {
    this.input = new ConsoleInput({ ...port, write: (text) => void this.socket?.write(text) });
  }

  listen(socket: Socket): void {
    this.socket = socket;
    this.splitter = new GuestLineSplitter();
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => this.hear(text));
  }

  close(): void {
    this.input.close();
    this.socket?.destroy();
    this.socket = null;
  }

  private hear(text: string): void {
    const at = this.host.now();
    const { instance } = this;
    this.host.tell({ kind: 'console', instance, text });
    for (const line of this.splitter.push(text)) {
      const said = parseGuestLine(line);
      if (said?.kind === 'heartbeat')
        this.host.tell({ kind: 'heartbeat', instance, count: said.count, work: said.work, at });
    }
  }
}
