import RFB from '@novnc/novnc';
import { call } from '../api/client';
import { ApiError } from '../api/error';

const retryMs = 250;
/** What is drawn first is the whole picture; until then what was seen last stays seen. */
const firstPictureMs = 250;
/** A guest that changes hosts, a host whose agent starts again: these pass. */
const lasting = new Set(['no-screen', 'forbidden', 'unauthenticated', 'unknown-guest', 'guest-not-running']);

export interface ScreenState {
  /** Whether what is seen is what there is now. */
  readonly isLive: boolean;
  /** Why there is nothing to be seen, for good or for the time being. */
  readonly trouble: string | null;
  readonly isOver: boolean;
}

/** Its picture is to be seen; or the connection ended before that; or there will be none. */
type Outcome = 'shown' | 'again' | 'over';

interface Shown {
  readonly rfb: RFB;
  readonly layer: HTMLElement;
  readonly epoch: number;
  /** null: it has ended by itself, and only its picture is left. */
  end: (() => void) | null;
}

/**
 * A guest's screen in an element, for as long as it runs, wherever it runs. RFB cannot be handed from one VMM to another in the
 * middle: pixels are compressed by what was sent before. So after a migration a second connection is opened to where
 * the guest is, and the last picture of the first stays until the second has drawn its own.
 */
export class ScreenLink {
  private shown: Shown | null = null;
  private connecting = false;
  private isClosed = false;
  /** Of the placement in which the guest is, as far as it was told. */
  private epoch = 0;
  /** A picture that is taken away loses the keyboard, and the next one is given it. */
  private hasKeyboard = true;
  private readonly lookAtFocus = ({ target }: FocusEvent) => (this.hasKeyboard = this.frame.contains(target as Node));

  constructor(
    private readonly guest: string,
    private readonly frame: HTMLElement,
    private readonly say: (state: ScreenState) => void,
  ) {
    document.addEventListener('focusin', this.lookAtFocus);
  }

  /** The guest is there now: a screen of another placement is left for that one's. */
  follow(epoch: number): void {
    this.epoch = epoch;
    if (this.shown === null || this.shown.epoch < epoch) void this.connect();
  }

  focus(): void {
    this.shown?.rfb.focus();
  }

  blur(): void {
    this.shown?.rfb.blur();
  }

  sendCtrlAltDel(): void {
    this.shown?.rfb.sendCtrlAltDel();
    this.focus();
  }

  close(): void {
    this.isClosed = true;
    document.removeEventListener('focusin', this.lookAtFocus);
    this.shown?.end?.();
    this.frame.replaceChildren();
  }

  private async connect(): Promise<void> {
    if (this.connecting) return;
    this.connecting = true;
    let outcome: Outcome = 'again';
    while (!this.isClosed && outcome === 'again') {
      outcome = await this.attempt();
      if (outcome === 'again') await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
    this.connecting = false;
    // It has moved once more meanwhile.
    if (!this.isClosed && outcome === 'shown' && this.shown!.epoch < this.epoch) void this.connect();
  }

  private async attempt(): Promise<Outcome> {
    try {
      const { path, epoch } = await call('guest.screen', { params: { guest: this.guest } });
      if (this.isClosed) return 'over';
      const address = new URL(path, location.href.replace(/^http/, 'ws'));
      return await this.show(new WebSocket(address, ['binary']), epoch);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isOver = lasting.has(error.code);
      this.say({ isLive: false, trouble: error.message, isOver });
      return isOver ? 'over' : 'again';
    }
  }

  private show(socket: WebSocket, epoch: number): Promise<Outcome> {
    const layer = document.createElement('div');
    layer.className = 'screen-layer';
    this.frame.append(layer);
    const rfb = new RFB(layer, socket, { shared: true });
    rfb.scaleViewport = true;
    rfb.showDotCursor = true;
    rfb.background = 'transparent';
    const canvas = layer.querySelector('canvas');
    canvas?.setAttribute('role', 'application');
    canvas?.setAttribute('aria-label', 'Screen of the guest. Keys go to the guest; Shift and Escape leave it.');
    let hasEnded = false;
    return new Promise((resolve) => {
      rfb.addEventListener('connect', () => {
        setTimeout(() => {
          if (hasEnded) return;
          if (this.isClosed) return rfb.disconnect();
          const before = this.shown;
          this.shown = { rfb, layer, epoch, end: () => rfb.disconnect() };
          before?.end?.();
          before?.layer.remove();
          layer.classList.add('screen-live');
          if (this.hasKeyboard) rfb.focus();
          this.say({ isLive: true, trouble: null, isOver: false });
          resolve('shown');
        }, firstPictureMs);
      });
      rfb.addEventListener('disconnect', () => {
        hasEnded = true;
        resolve('again');
        if (this.shown?.rfb !== rfb) return layer.remove();
        this.shown.end = null;
        if (this.isClosed) return;
        // noVNC takes its picture away; the last one stays until there is another.
        if (canvas) layer.append(canvas);
        this.say({ isLive: false, trouble: null, isOver: false });
        void this.connect();
      });
    });
  }
}
