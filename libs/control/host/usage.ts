import { demandMillicores } from '@argosy/domain/processor-demand';
import type { VmmSample } from '../ports/vmm-driver';
import { copyKey, type HostTurn, liveOf } from './turn';

/** A guest on a full host shows only its share of it as used: what it wants is found from how long it waited. */
export function takeSamples(turn: HostTurn, samples: readonly VmmSample[]): void {
  for (const sample of samples) {
    const copy = turn.state.guests.get(copyKey(sample.instance));
    if (!copy) continue;
    const live = liveOf(turn.state, sample.instance);
    const elapsedMs = live.sampledAt === null ? 0 : turn.now - live.sampledAt;
    if (live.sample && elapsedMs > 0) {
      const usedMs = Math.max(0, sample.cpuTimeMs - live.sample.cpuTimeMs);
      const waitedMs = Math.max(0, sample.cpuWaitMs - live.sample.cpuWaitMs);
      const vcpus = copy.guest?.vcpus ?? 1;
      live.usage = {
        cpuMillicores: Math.round((1000 * usedMs) / elapsedMs),
        cpuDemandMillicores: Math.round(demandMillicores({ usedMs, waitedMs, elapsedMs, vcpus })),
        residentMiB: Math.round(sample.residentMiB),
        dirtyBytesPerSecond: sample.dirtyBytesPerSecond,
        diskBytes: sample.diskBytes,
        vmmSilentMs: sample.vmmSilentMs,
      };
    }
    live.sample = sample;
    live.sampledAt = turn.now;
  }
}
