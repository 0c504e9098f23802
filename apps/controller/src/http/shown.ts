import type { GuestView } from '@argosy/contracts/responses';
import type { FleetWrite } from '@argosy/control/ports/fleet-store';
import type { Guest } from '@argosy/domain/entities';

/** A guest as it is shown: user data of cloud-init hold passwords and keys, and nobody needs to read them back. */
export function shownGuest({ cloudInit, ...guest }: Guest): GuestView {
  return { ...guest, cloudInitBytes: cloudInit === null ? null : Buffer.byteLength(cloudInit) };
}

type Put = Extract<FleetWrite, { kind: 'put' }>;

export function shownRow(write: Put): unknown {
  return write.entity === 'guest' ? shownGuest(write.row) : write.row;
}
