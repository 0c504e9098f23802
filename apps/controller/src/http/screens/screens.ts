import { screenPath } from '@argosy/contracts/routes';
import type { Guest } from '@argosy/domain/entities';
import { splice } from '@argosy/peer/splice';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { refuse, type AnswerOf, type CallContext } from '../answer';
import type { HttpPorts } from '../ports';
import { WebSocketBytes } from './web-socket';

/** How long a screen that was asked for waits for the browser's WebSocket. */
const claimedWithinMs = 10_000;
const leadershipCheckMs = 500;

interface Screen {
  readonly userId: string;
  readonly secret: string;
  readonly vmm: Duplex;
  /** null: nobody has come for it yet. */
  browser: WebSocketBytes | null;
}

/**
 * Guests' screens that are open, each between a VMM and one browser. A browser cannot send its token with a WebSocket but in
 * the address, where it would be written into logs: so it asks for the screen as for all else, and is given an address that
 * is good once. A screen lives as long as its token does.
 */
export class Screens {
  private readonly screens = new Set<Screen>();
  private readonly unclaimed = new Map<string, Screen>();

  constructor(private readonly ports: Pick<HttpPorts, 'access' | 'gateway' | 'limits' | 'logError'>) {}

  async open(guest: Guest, { caller, secret }: CallContext): Promise<AnswerOf<'guest.screen'>> {
    const { limits, gateway } = this.ports;
    const { hostId, epoch } = guest;
    if (hostId === null)
      return refuse('guest-not-running', `${guest.name} is ${guest.state}: it has a screen while it runs.`);
    const own = [...this.screens].filter(({ userId }) => userId === caller.userId).length;
    if (this.screens.size >= limits.streams || own >= limits.streamsPerUser)
      return refuse('too-many-requests', 'Too many screens of guests are open; close one and try again.');
    const opened = await gateway.console(guest).screen();
    if (!opened.ok) return opened;
    const ticket = randomBytes(24).toString('base64url');
    const screen: Screen = { userId: caller.userId, secret, vmm: opened.value, browser: null };
    this.screens.add(screen);
    this.unclaimed.set(ticket, screen);
    const unwanted = setTimeout(() => this.unclaimed.has(ticket) && screen.vmm.destroy(), claimedWithinMs).unref();
    screen.vmm.on('error', () => screen.vmm.destroy());
    screen.vmm.on('close', () => {
      clearTimeout(unwanted);
      this.screens.delete(screen);
      this.unclaimed.delete(ticket);
    });
    return { ok: true, value: { path: screenPath.replace(':ticket', ticket), hostId, epoch } };
  }

  /** false: it is not known, has been used, or was asked for too long ago. `accept` makes a WebSocket of the request. */
  claim(ticket: string, accept: () => Duplex): boolean {
    const screen = this.unclaimed.get(ticket);
    if (!screen) return false;
    this.unclaimed.delete(ticket);
    screen.browser = new WebSocketBytes(accept());
    splice(screen.browser, screen.vmm);
    return true;
  }

  endAll(): void {
    for (const { vmm } of this.screens) vmm.destroy();
  }

  /** Returns what ends the watching. */
  watch(): () => void {
    const heartbeat = setInterval(() => void this.heartbeat(), this.ports.limits.streamHeartbeatMs).unref();
    // The leader knows where guests are: who looked here asks there.
    const leadership = setInterval(() => !this.ports.gateway.leading && this.endAll(), leadershipCheckMs).unref();
    return () => {
      clearInterval(heartbeat);
      clearInterval(leadership);
    };
  }

  private async heartbeat(): Promise<void> {
    for (const { browser } of this.screens) browser?.ping();
    for (const secret of new Set([...this.screens].map((screen) => screen.secret))) {
      if (await this.isValid(secret)) continue;
      for (const { secret: own, vmm } of this.screens) if (own === secret) vmm.destroy();
    }
  }

  private async isValid(secret: string): Promise<boolean> {
    try {
      return (await this.ports.access.authenticate(secret)) !== null;
    } catch (error) {
      this.ports.logError("a screen's token could not be looked at", error);
      return true;
    }
  }
}
