/** Of a guest's virtual processors in some time. waited: they would have run, and another did or a limit did not allow it. */
export interface ProcessorUse {
  readonly usedMs: number;
  readonly waitedMs: number;
  readonly elapsedMs: number;
  readonly vcpus: number;
}

/**
 * What the guest would use if it never waited, in millicores. While it waits it does not come to its next sleep either: of what it
 * waited it would have worked only the part that it works when nothing holds it up. The estimate of VMware's DRS (Gulati et al.,
 * "VMware Distributed Resource Management: Design, Implementation, and Lessons Learned", 2012).
 */
export function demandMillicores({ usedMs, waitedMs, elapsedMs, vcpus }: ProcessorUse): number {
  const asleepMs = Math.max(0, vcpus * elapsedMs - usedMs - waitedMs);
  const workingShare = usedMs > 0 ? usedMs / (usedMs + asleepMs) : 1;
  const wantedMs = Math.min(vcpus * elapsedMs, usedMs + waitedMs * workingShare);
  return (1000 * Math.max(usedMs, wantedMs)) / elapsedMs;
}

/** How long a guest waits that wants so much and is given less: what makes `demandMillicores` what it wants. */
export function waitedMs(
  wantedMillicores: number,
  { usedMs, elapsedMs, vcpus }: Omit<ProcessorUse, 'waitedMs'>,
): number {
  const wantedMs = (wantedMillicores * elapsedMs) / 1000;
  return wantedMs > usedMs ? vcpus * elapsedMs * (1 - usedMs / wantedMs) : 0;
}
