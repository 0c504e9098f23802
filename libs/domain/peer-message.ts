/** What two agents say to each other in a migration's hand-over, over a direct connection: neither Redis nor database lies between. */
export type PeerRequest = {
  readonly kind: 'grant';
  readonly migrationId: string;
  readonly guestId: string;
  readonly epoch: number;
  /** The source's VMM is dead rather than paused: nothing there could be resumed. */
  readonly sourceDead: boolean;
  /** On the guest's console, and not heard at the source: it hears that first. */
  readonly typed: string;
};

/**
 * granted: journalled by the target, which runs the guest or has run it. destroyed: the target's copy was gone before
 * any grant, and will never run. not-ready: it has no complete copy yet and nothing was granted; ask again.
 */
export type PeerAnswer = { readonly kind: 'granted' } | { readonly kind: 'destroyed' } | { readonly kind: 'not-ready' };
