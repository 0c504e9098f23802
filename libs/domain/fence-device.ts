export const fenceDeviceKinds = ['chassis', 'fence-agent', 'webhook'] as const;
export type FenceDeviceKind = (typeof fenceDeviceKinds)[number];

/** A way to cut a host's power and to prove it. A host has several; they are tried in their order. */
export interface FenceDevice {
  /** Unique on its host. */
  readonly name: string;
  readonly kind: FenceDeviceKind;
  /** chassis: the socket's path. fence-agent: the program, like fence_ipmilan. webhook: the URL. */
  readonly address: string;
  /** What a fence agent is given besides the action, by the names of its own manual. */
  readonly options: Readonly<Record<string, string>>;
  /** Options whose values are kept apart, and are never listed or logged. */
  readonly secretNames: readonly string[];
  /** The next device is tried when this one has not confirmed by then. */
  readonly deadlineMs: number;
  /** agent: named by the host's agent whenever it registers, and replaced by what it names then. */
  readonly setBy: 'agent' | 'administrator';
}

/** The values of a fence device's secret options; `id` is `hostId/device`. No answer, event or log has any of it. */
export interface FenceSecret {
  readonly id: string;
  readonly values: Readonly<Record<string, string>>;
}
