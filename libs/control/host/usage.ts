import type { VmmSample } from '../ports/vmm-driver';
import { copyKey, type HostTurn, liveOf } from './turn';

/**
 * Demand is what was used plus what was waited for on a run queue or under a limit, at most what the vCPUs could use:
 * a guest on a full host shows only its share of it as used.
 */
export function takeSamples(turn: HostTurn, samples: readonly VmmSample[]): void {
  for (const sample of samples) {
    const copy = turn.state.guests.get(copyKey(sample.instance));
    if (!copy) continue;
    const live = liveOf(turn.state, sample.instance);
    const elapsedMs = live.sampledAt === null ? 0 : turn.now - live.sampledAt;
    if (live.sample && elapsedMs > 0) {
      const used = Math.max(0, sample.cpuTimeMs - live.sample.cpuTimeMs);
      const waited = Math.max(0, sample.cpuWaitMs - live.sample.cpuWaitMs);
      const ceiling = 1000 * (copy.guest?.vcpus ?? 1);
      const cpuMillicores = Math.round((1000 * used) / elapsedMs);
      live.usage = {
        cpuMillicores,
        cpuDemandMillicores: Math.max(
          cpuMillicores,
          Math.min(ceiling, Math.round((1000 * (used + waited)) / elapsedMs)),
        ),
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
