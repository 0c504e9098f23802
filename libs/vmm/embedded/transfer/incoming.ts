import type { Socket } from 'node:net';
import { pageBytes } from '@argosy/machine/memory';
import type { VmmEvent } from '@argosy/control/ports/vmm-driver';
import type { EmbeddedGuest, GuestState, Transfer } from '../guest';
import { FrameConnection, helloWithinMs, listen, type Entrance } from './connection';
import { FrameError, messageFrame, awaitedFrame, type FrameReceiver } from './frames';
import { lostAfterSilentMs, protocol, saidOf, type Hello, type Said } from './protocol';

export interface Listening {
  readonly key: string | null;
  readonly address: string;
}

/** The target's side of one live migration: the guest's memory comes in, and it may run when its disk is its own. */
export class IncomingMigration implements Transfer {
  private entrance: Entrance | null = null;
  private connection: FrameConnection | null = null;
  private awaited: readonly number[] = [];
  private hasState = false;
  private isOurs = false;

  constructor(
    private readonly vmm: EmbeddedGuest,
    private readonly takesDisk: boolean,
    private readonly tell: (event: VmmEvent) => void,
  ) {
    vmm.state = 'incoming';
    vmm.transfer = this;
  }

  /** Value: the port. */
  async listen({ key, address }: Listening): Promise<number> {
    const entrance = await listen({ address, key }, (socket) => this.take(socket));
    this.entrance = entrance;
    if (!this.vmm.isAlive) entrance.clear();
    return entrance.port;
  }

  /** The first that says hello as it should is the source; nobody else is heard from then on. */
  private take(socket: Socket): void {
    let connection: FrameConnection | null = null;
    const tooLate = setTimeout(() => socket.destroy(), helloWithinMs);
    const receiver: FrameReceiver = {
      message: (message) => {
        const said = saidOf(message);
        if (said.say === 'hello') {
          if (this.greet(said, connection!)) clearTimeout(tooLate);
        } else if (connection === this.connection) this.hear(said);
      },
      page: (page, content) => {
        if (connection === this.connection) this.pageCame(page, content);
      },
      awaited: (pages) => {
        if (connection === this.connection) this.await(pages);
      },
      cluster: (cluster, content) => {
        if (connection === this.connection) this.clusterCame(cluster, content);
      },
    };
    connection = new FrameConnection(socket, receiver, (reason) => {
      clearTimeout(tooLate);
      if (connection === this.connection) void this.closed(reason);
    });
  }

  private greet(hello: Hello, connection: FrameConnection): boolean {
    const problem = this.connection ? 'another source is connected' : this.problemWith(hello);
    if (problem !== null) {
      connection.say(messageFrame({ say: 'refused', reason: problem }));
      connection.end();
      return false;
    }
    this.connection = connection;
    this.entrance?.close();
    connection.say(messageFrame({ say: 'ready', owner: this.vmm.hold.owner }));
    return true;
  }

  private problemWith(hello: Hello): string | null {
    const { id, machine } = this.vmm;
    if (hello.protocol !== protocol)
      return `it speaks version ${hello.protocol}, and this host ${protocol}; they need the same release`;
    if (hello.guestId !== id.guestId || hello.epoch !== id.epoch)
      return `guest ${id.guestId} at epoch ${id.epoch} is awaited here`;
    if (hello.memoryBytes !== machine.memoryBytes)
      return `it has ${hello.memoryBytes} bytes of memory, and ${machine.memoryBytes} here`;
    if (hello.sendsDisk !== this.takesDisk)
      return this.takesDisk ? 'its disk is awaited too' : 'its disk is not awaited';
    return null;
  }

  private hear(said: Said): void {
    if (said.say === 'state' && !this.hasState) this.load(said.state);
    else if (said.say === 'reach') this.connection?.say(messageFrame({ say: 'reached' }));
    else if (said.say === 'yours') this.arrived();
  }

  private requirePage(page: number): void {
    if ((page + 1) * pageBytes > this.vmm.machine.memoryBytes) throw new FrameError(`there is no page ${page}`);
  }

  private await(pages: readonly number[]): void {
    for (const page of pages) this.requirePage(page);
    this.awaited = pages;
  }

  private pageCame(page: number, content: Uint8Array | null): void {
    const { machine } = this.vmm;
    this.requirePage(page);
    const before = machine.missingPages;
    machine.pageCame(page, content);
    if (before === 0) return;
    this.vmm.wake();
    if (machine.missingPages === 0) this.whole();
  }

  private clusterCame(cluster: number, content: Uint8Array): void {
    const { image } = this.vmm.disk;
    if (!this.takesDisk || content.length !== image.clusterBytes || cluster >= image.clusters)
      throw new FrameError(`cluster ${cluster} is not of this disk`);
    image.writeAt(cluster * image.clusterBytes, content.subarray(0, image.sizeBytes - cluster * image.clusterBytes));
  }

  private load(state: GuestState): void {
    const { machine } = this.vmm;
    this.vmm.loadState(state);
    if (this.awaited.length > 0) machine.await(this.awaited);
    this.hasState = true;
    this.connection?.say(messageFrame({ say: 'loaded' }));
  }

  /** Complete, as far as it needs to be to run; whether it does is not decided here. */
  private arrived(): void {
    const { vmm } = this;
    if (vmm.state !== 'incoming' || !this.hasState) return;
    this.isOurs = true;
    if (!this.takesDisk) vmm.disk.image.reload();
    vmm.state = 'received';
    vmm.card.arrived();
    this.tell({ kind: 'incoming-completed', instance: vmm.id });
    // A source that is cut off says nothing of it, and the guest would wait for its pages for ever.
    this.connection?.endWhenSilent(lostAfterSilentMs);
    if (vmm.machine.missingPages === 0) this.whole();
  }

  private whole(): void {
    if (!this.isOurs) return;
    this.connection?.say(messageFrame({ say: 'whole' }));
    this.connection?.end();
    this.connection = null;
    if (this.vmm.transfer === this) this.vmm.transfer = null;
  }

  /** The source is gone. If the disk is this guest's by then, all of it was here. */
  private closed(reason: string): void {
    const { vmm } = this;
    this.connection = null;
    if (!vmm.isAlive || vmm.transfer !== this) return;
    const isGiven = this.isOurs || (this.hasState && !this.takesDisk && vmm.hold.owns(vmm.disk.image));
    if (isGiven) this.arrived();
    if (isGiven && vmm.machine.missingPages === 0) return;
    vmm.end(
      'crashed',
      isGiven ? 'the source was lost before all of the memory had come over' : `the source was lost: ${reason}`,
    );
  }

  /** Post-copy: the guest stands still until these are here. */
  wanted(pages: readonly number[]): void {
    const missing = pages.filter((page) => this.vmm.machine.isMissing(page));
    if (missing.length === 0) this.vmm.wake();
    else this.connection?.say(awaitedFrame(missing));
  }

  abandon(): void {
    this.entrance?.clear();
    this.connection = null;
  }
}
