import type { Owner } from '../disk/image-header';
import type { GuestState } from '../guest';

/** Both sides must speak the same. */
export const protocol = 2;

export interface Hello {
  readonly say: 'hello';
  readonly protocol: number;
  readonly guestId: string;
  readonly epoch: number;
  readonly memoryBytes: number;
  readonly sendsDisk: boolean;
}

/**
 * From the source: hello, then the memory (and before it the disk), then the state, then yours. From the target: ready, with who
 * it is as an owner of the disk; loaded, when all is there that it needs to run; whole, when the rest of a post-copy is too. In
 * between the source says reach, which is answered with reached: all that went before it has been taken.
 */
export type Said =
  | Hello
  | { readonly say: 'ready'; readonly owner: Owner }
  | { readonly say: 'refused'; readonly reason: string }
  | { readonly say: 'state'; readonly state: GuestState }
  | { readonly say: 'loaded' }
  | { readonly say: 'reach' }
  | { readonly say: 'reached' }
  | { readonly say: 'yours' }
  | { readonly say: 'whole' };
