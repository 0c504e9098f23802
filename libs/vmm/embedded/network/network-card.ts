import { maximumFrameBytes, type NetworkPort } from '@argosy/machine/devices';
import type { GuestNetwork } from '@argosy/domain/network';
import type { VmmInstance } from '@argosy/control/ports/vmm-driver';
import type { GuestLinks } from '../../guest-link';
import { plugIn, type Cable } from './cable';

const addressBytes = 6;
/** More than these are lost: the guest does not take them. */
const queueFrames = 256;
const reverseArp = 0x8035;

/** A guest's network card, and the cable that it is plugged into. Its frames wait until the guest takes them. */
export class NetworkCard implements NetworkPort {
  readonly hardwareAddress: Uint8Array;
  private cable: Cable | null = null;
  private queue: Uint8Array[] = [];
  private at = 0;
  private isListening = false;
  /** A frame has come. */
  onFrame: () => void = () => undefined;

  constructor(
    private readonly links: GuestLinks,
    private readonly instance: VmmInstance,
    private readonly network: GuestNetwork,
  ) {
    this.hardwareAddress = Uint8Array.from(network.macAddress.split(':').map((part) => parseInt(part, 16)));
  }

  /** Done when frames go and come. What comes before `listen` is not the guest's. */
  async plugIn(): Promise<void> {
    if (this.cable) return;
    this.cable = await plugIn(this.links.plug(this.instance), (frame) => this.take(frame));
    await this.links.attach(this.instance);
  }

  /** Nothing that it sent and that is still on its way may come after what its copy elsewhere sends. */
  unplug(): void {
    this.isListening = false;
    this.cable?.close();
    this.cable = null;
    this.queue = [];
    this.at = 0;
  }

  /** The guest runs from now on: here. */
  listen(): void {
    this.isListening = true;
  }

  /** The guest is here, and is about to run. */
  arrived(): void {
    this.links.arrived(this.instance, this.network);
  }

  /** It runs: switches that knew it elsewhere learn it before it says anything itself. */
  announce(): void {
    this.cable?.send(this.announcement());
  }

  /** Who asks for its own address by its hardware's is heard by every switch, and answered by nobody. */
  private announcement(): Buffer {
    const frame = Buffer.alloc(60);
    const { hardwareAddress } = this;
    frame.fill(255, 0, addressBytes);
    frame.set(hardwareAddress, addressBytes);
    frame.writeUInt16BE(reverseArp, 12);
    frame.set([0, 1, 8, 0, addressBytes, 4, 0, 3], 14);
    frame.set(hardwareAddress, 22);
    frame.set(hardwareAddress, 32);
    return frame;
  }

  private take(frame: Buffer): void {
    if (!this.isListening || !this.isForUs(frame) || this.queue.length - this.at >= queueFrames) return;
    this.queue.push(Uint8Array.from(frame));
    this.onFrame();
  }

  /** To everybody, to a group, or to this card: a switch that does not know where somebody is asks all. */
  private isForUs(frame: Buffer): boolean {
    if (frame.length < 2 * addressBytes + 2 || frame.length > maximumFrameBytes) return false;
    return (frame[0]! & 1) === 1 || this.hardwareAddress.every((byte, index) => frame[index] === byte);
  }

  // ---- The machine's side ----

  send(frame: Uint8Array): void {
    if (frame.length >= 2 * addressBytes + 2) this.cable?.send(frame);
  }

  get waitingBytes(): number {
    return this.queue[this.at]?.length ?? 0;
  }

  receive(): Uint8Array | undefined {
    const frame = this.queue[this.at];
    if (frame && ++this.at === this.queue.length) {
      this.queue = [];
      this.at = 0;
    }
    return frame;
  }
}
