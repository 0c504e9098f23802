import type { QmpClient } from './qmp';

const measureEveryMs = 10_000;
const measureForSeconds = 1;
/** In each GiB: QEMU hashes that many pages before and after. Its default of 512 would be 16 pages of a 32 MiB guest. */
const samplePages = 4096;

/**
 * How fast a guest writes to its memory, by QEMU's own sampling (calc-dirty-rate), which needs no dirty log and costs next to
 * nothing. Pages count once however often they are written: it is what a migration would have to send again.
 */
export class DirtyRate {
  bytesPerSecond: number | null = null;
  private begunAtMs = -Infinity;
  private isUnderWay = false;

  /** Takes up what an earlier measurement found, and begins another when it is time. */
  measure(qmp: QmpClient): void {
    if (this.isUnderWay) void this.collect(qmp);
    else if (performance.now() - this.begunAtMs > measureEveryMs) void this.begin(qmp);
  }

  private async begin(qmp: QmpClient): Promise<void> {
    this.begunAtMs = performance.now();
    const wishes = { 'calc-time': measureForSeconds, 'sample-pages': samplePages, mode: 'page-sampling' };
    this.isUnderWay = await qmp.call('calc-dirty-rate', wishes).then(
      () => true,
      () => false,
    );
  }

  private async collect(qmp: QmpClient): Promise<void> {
    const answer = await qmp
      .call<{ status: string; 'dirty-rate'?: number }>('query-dirty-rate')
      .catch(() => ({ status: 'failed', 'dirty-rate': undefined }));
    if (answer.status === 'measuring') return;
    this.isUnderWay = false;
    const mebibytes = answer['dirty-rate'];
    if (mebibytes !== undefined && mebibytes >= 0) this.bytesPerSecond = mebibytes * 1024 * 1024;
  }
}
