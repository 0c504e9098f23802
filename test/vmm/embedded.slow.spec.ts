import { describeVmmDriver } from '@argosy/vmm/conformance';
import { ensureBuilt } from '../fleet/build';
import { EmbeddedBench } from './embedded-bench';

beforeAll(ensureBuilt, 300_000);

describeVmmDriver('embedded', async () => new EmbeddedBench());
