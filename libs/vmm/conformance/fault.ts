import { copied, endless, expectUnbroken, quickPolicy, running } from './scenes';
import type { TestTable } from './scenes';

export const faultTests: TestTable = {
  cancel: [
    {
      says: 'a cancelled copy leaves the guest running at the source, and another copy works',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source, target } = await endless(hosts);
        expect(await h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        expect(await h1.stateOf(source)).toBe('running');
        await h1.beats(source, 2);
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        // What is asked here is whether it can go, not how fast it must be to outrun the guest.
        await h1.must({ call: 'consoleWrite', instance: source, text: 'dirty 0 16 7\n' });
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 3, policy: quickPolicy, disk: null });
        await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 3, uri, policy: quickPolicy, disk: null });
        await h1.event('migration-completed', source);
        expectUnbroken(h1.heartbeats(source));
      },
    },
    {
      says: 'a copy that is complete cannot be cancelled',
      run: async (hosts) => {
        const { source } = await copied(hosts);
        expect(await hosts.h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: false });
      },
    },
  ],
  'target-frozen': [
    {
      says: 'a copy to a target that does nothing any more can be cancelled',
      run: async (hosts) => {
        const { source, target } = await endless(hosts);
        await hosts.h1.event('migration-progress', source);
        hosts.bench.freezeVmm('h2', target);
        await hosts.bench.wait(300);
        expect(await hosts.h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        await hosts.h1.beats(source, 2);
        await hosts.h2.must({ call: 'stop', instance: target, graceMs: 0 });
      },
    },
  ],
  'target-silent': [
    {
      says: 'a source whose target takes the connection and says nothing is told of, and runs on when the target is destroyed',
      run: async (hosts) => {
        const { h1, h2, bench } = hosts;
        const { guest, source } = await running(hosts);
        const target = { guestId: guest.guestId, epoch: 2 };
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy, disk: null });
        bench.freezeVmm('h2', target);
        await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy: quickPolicy, disk: null });
        await h1.event('migration-stuck', source);
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        await h1.event('migration-failed', source);
        await h1.beats(source, 2);
        expectUnbroken(h1.heartbeats(source));
      },
    },
  ],
  'target-dies': [
    {
      says: 'when the target dies during the copy, the source says so and runs on',
      run: async (hosts) => {
        const { source, target } = await endless(hosts);
        hosts.bench.killVmm('h2', target);
        await hosts.h2.event('exited', target);
        const { refusal } = await hosts.h1.event('migration-failed', source);
        expect(`${refusal.code}: ${refusal.message}`).toMatch(/^target-lost: /);
        await hosts.h1.beats(source, 2);
        expect(await hosts.h1.stateOf(source)).toBe('running');
      },
    },
    {
      says: 'when the target dies after the copy and before its run, the source can be resumed',
      run: async (hosts) => {
        const { source, target } = await copied(hosts);
        hosts.bench.killVmm('h2', target);
        await hosts.h2.event('exited', target);
        await hosts.h1.must({ call: 'resume', instance: source });
        await hosts.h1.beats(source, 2);
        expectUnbroken(hosts.h1.heartbeats(source));
      },
    },
  ],
  'source-dies': [
    {
      says: 'when the source dies during the copy, the target ends and never runs',
      run: async (hosts) => {
        const { source, target } = await endless(hosts);
        // A target that no stream has reached yet cannot notice; its host is told of it, and gives it up.
        await hosts.h1.event('migration-progress', source);
        await hosts.bench.wait(300);
        hosts.bench.killVmm('h1', source);
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'crashed' });
        await hosts.h2.event('exited', target);
        expect(hosts.h2.heartbeats(target)).toEqual([]);
      },
    },
    {
      says: 'when the source dies after the switch-over, the target is complete, does not run, and can be resumed',
      run: async (hosts) => {
        const { source, target } = await copied(hosts);
        hosts.bench.killVmm('h1', source);
        await hosts.h1.event('exited', source);
        expect(await hosts.h2.stateOf(target)).toBe('received');
        await hosts.h2.must({ call: 'resume', instance: target });
        await hosts.h2.beats(target, 2);
        expect(hosts.h2.heartbeats(target)[0]).toBeGreaterThan(1);
      },
    },
  ],
  'adopt-migration': [
    {
      says: 'a copy goes on when its agents die, and is told by the next ones',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { source, target } = await endless(hosts);
        h1.restartAgent();
        h2.restartAgent();
        expect(await h1.stateOf(source)).toBe('sending');
        expect(await h2.stateOf(target)).toBe('incoming');
        expect(await h1.must({ call: 'cancelMigration', instance: source })).toEqual({ cancelled: true });
        await h1.beats(source);
      },
    },
    {
      says: 'a complete copy is found complete on both sides, and running on neither',
      run: async (hosts) => {
        const { source, target } = await copied(hosts);
        hosts.h1.restartAgent();
        hosts.h2.restartAgent();
        expect(await hosts.h1.stateOf(source)).toBe('sent');
        expect(await hosts.h2.stateOf(target)).toBe('received');
        await hosts.h2.must({ call: 'resume', instance: target });
        await hosts.h2.beats(target);
      },
    },
  ],
};
