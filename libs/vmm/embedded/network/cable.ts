import type { GuestPlug } from '../../guest-link';
import { StreamCable } from './stream-cable';
import { TapCable } from './tap-cable';

/** What a guest's card is plugged into. What finds no room on its way is lost, as on a wire. */
export interface Cable {
  send(frame: Uint8Array): void;
  close(): void;
}

export type FrameTaker = (frame: Buffer) => void;

/** null: a card with no cable. Frames come once it is done; what is given to it before goes out as soon as it can. */
export async function plugIn(plug: GuestPlug, take: FrameTaker): Promise<Cable | null> {
  switch (plug.kind) {
    case 'tap':
      return TapCable.open(plug.name, take);
    case 'stream':
      return new StreamCable(plug.path, take);
    case 'none':
      return null;
  }
}
