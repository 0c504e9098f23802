import { refused, type Result } from '@argosy/domain/refusal';
import { switchOff } from './chassis-switch';

export interface FenceRequest {
  readonly hostName: string;
  readonly incarnation: number;
  readonly term: number;
  /** `kind:address`, as the host's agent named it. */
  readonly device: string;
}

/** A way to prove a host off. */
export type FenceDevice = (address: string, request: FenceRequest) => Promise<Result<null>>;

const devices: Readonly<Record<string, FenceDevice>> = {
  chassis: (address, { incarnation, term }) => switchOff(address, { incarnation, term }),
};

export async function fence(request: FenceRequest): Promise<Result<null>> {
  const separator = request.device.indexOf(':');
  const device = devices[request.device.slice(0, separator)];
  if (!device)
    return refused(
      'fence-failed',
      `Host ${request.hostName} names the fence device ${JSON.stringify(request.device)}; known kinds: ${Object.keys(devices).join(', ')}.`,
    );
  return device(request.device.slice(separator + 1), request);
}
