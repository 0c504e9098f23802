import { describeVmmDriver } from '@argosy/vmm/conformance';
import { QemuBench } from './qemu-bench';

describeVmmDriver('qemu', async () => new QemuBench({ useGroups: true }));
