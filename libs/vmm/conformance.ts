import { cloneTests } from './conformance/clones';
import { diskMigrationTests } from './conformance/disk-migration';
import { diskTests } from './conformance/disks';
import { faultTests } from './conformance/fault';
import { lifeTests } from './conformance/life';
import { migrationTests } from './conformance/migration';
import { claims } from './conformance/scenes';
import type { Claim } from './conformance/scenes';
import { useTests } from './conformance/use';
import { HostUnderTest } from './test-bench';
import type { TestBench } from './test-bench';

export type { BenchHost, TestBench } from './test-bench';

const longestTestMs = 30_000;

/**
 * What every VMM driver must do, written once: against real machines with real time, and against the model on its virtual
 * clock; `only` is for where all of it runs at another time. Stale epochs are refused above the drivers, by the host brain, and so are not here.
 */
export function describeVmmDriver(
  name: string,
  make: () => Promise<TestBench>,
  {
    skip = {},
    only = claims,
  }: { readonly skip?: { readonly [claim in Claim]?: string }; readonly only?: readonly Claim[] } = {},
): void {
  const tests = {
    ...lifeTests,
    ...useTests,
    ...migrationTests,
    ...faultTests,
    ...diskTests,
    ...cloneTests,
    ...diskMigrationTests,
  };
  describe(`the VMM driver ${name}`, () => {
    let bench: TestBench;
    beforeEach(async () => {
      bench = await make();
    });
    afterEach(() => bench.dispose(), longestTestMs);

    for (const claim of only) {
      const reason = skip[claim];
      for (const { says, run } of tests[claim] ?? []) {
        if (reason !== undefined) it.skip(`${claim}: ${says} (skipped: ${reason})`, () => undefined);
        else
          it(
            `${claim}: ${says}`,
            () => run({ bench, h1: new HostUnderTest(bench, 'h1'), h2: new HostUnderTest(bench, 'h2') }),
            longestTestMs,
          );
      }
    }
  });
}
