import { copied, copying, dirtying, quickPolicy, running, slowPolicy } from './scenes';
import type { TestTable } from './scenes';

export const migrationTests: TestTable = {
  migrate: [
    {
      says: 'a guest moves there and back, with its counter and its memory whole',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source, target } = await copied(hosts, quickPolicy, 'dirty 20 4 7\n');
        expect(await h2.stateOf(target)).toBe('received');
        expect(await h1.stateOf(source)).toBe('sent');
        await h2.must({ call: 'resume', instance: target });
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        await h2.beats(target, 2);

        const { uri } = await h1.must({ call: 'prepareIncoming', guest, epoch: 3, policy: quickPolicy, disk: null });
        await h2.must({ call: 'migrateOut', instance: target, targetEpoch: 3, uri, policy: quickPolicy, disk: null });
        const back = { guestId: guest.guestId, epoch: 3 };
        await h2.event('migration-completed', target);
        await h1.event('incoming-completed', back);
        await h1.must({ call: 'resume', instance: back });
        await h2.must({ call: 'stop', instance: target, graceMs: 0 });
        await h1.beats(back, 2);
        // A line that the switch-over cut in two is lost on both sides: one count may be missing at each move.
        const counts = [...h1.heartbeats(source), ...h2.heartbeats(target), ...h1.heartbeats(back)];
        const gaps = counts.slice(1).map((count, index) => count - (counts[index] as number));
        expect(gaps.filter((gap) => gap !== 1).length).toBeLessThanOrEqual(2);
        expect(Math.min(...gaps)).toBe(1);
        expect(Math.max(...gaps)).toBeLessThanOrEqual(2);
      },
    },
    {
      says: 'a target never runs by itself',
      run: async (hosts) => {
        const { target } = await copied(hosts);
        await hosts.bench.wait(700);
        expect(await hosts.h2.stateOf(target)).toBe('received');
        expect(hosts.h2.heartbeats(target)).toEqual([]);
        expect(hosts.h2.has('resumed', target)).toBe(false);
      },
    },
    {
      says: 'its progress is told, and its end with a downtime at once or a little later',
      run: async (hosts) => {
        const { h1 } = hosts;
        const { source } = await copying(hosts, { ...quickPolicy, bandwidthMiBPerSecond: 40 }, 'fill 16 7\n');
        const { progress } = await h1.event('migration-progress', source);
        expect(progress.totalBytes).toBeGreaterThan(16 * 1024 * 1024);
        const { downtimeMs } = await h1.event('migration-completed', source);
        const measured = downtimeMs ?? (await h1.event('migration-measured', source)).downtimeMs;
        expect(measured).toBeGreaterThanOrEqual(0);
        expect(measured).toBeLessThan(2000);
      },
    },
    {
      says: 'a paused guest arrives whole',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        await h1.must({ call: 'pause', instance: source });
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy, disk: null });
        await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy: quickPolicy, disk: null });
        const target = { guestId: guest.guestId, epoch: 2 };
        await h1.event('migration-completed', source);
        await h2.event('incoming-completed', target);
        await h2.must({ call: 'resume', instance: target });
        await h2.beats(target);
        expect(h2.heartbeats(target)[0]).toBeGreaterThan(1);
      },
    },
    {
      says: 'what is typed without a pause while it moves is heard once and in order',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy, disk: null });
        const typed: string[] = [];
        const type = async (host: typeof h1, instance: typeof source) => {
          const token = `line-${typed.length}`;
          const written = await host.ask({ call: 'consoleWrite', instance, text: `ping ${token}\n` });
          if (written.ok) typed.push(token);
          return written.ok;
        };
        await type(h1, source);
        await h1.must({ call: 'migrateOut', instance: source, targetEpoch: 2, uri, policy: quickPolicy, disk: null });
        while (!h1.has('migration-completed', source)) {
          await type(h1, source);
          await hosts.bench.wait(1);
        }
        const target = { guestId: guest.guestId, epoch: 2 };
        const { typed: unheard = '' } = await h1.event('migration-completed', source);
        await h2.event('incoming-completed', target);
        await h2.must({ call: 'resume', instance: target, typed: unheard });
        for (let more = 0; more < 3; more++) await type(h2, target);
        // What both said is one text: the switch-over may cut a line in two.
        const heard = () =>
          [...(h1.said(source) + h2.said(target)).matchAll(/^pong (.*?)\r?$/gm)].map(([, token]) => token);
        await h2.until(() => heard().includes(typed.at(-1)), 'the answer to the last line');
        expect(heard()).toEqual(typed);
      },
    },
    {
      says: 'a copy to where nobody listens fails, and the guest runs on',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source } = await running(hosts);
        const { uri } = await h2.must({ call: 'prepareIncoming', guest, epoch: 2, policy: quickPolicy, disk: null });
        await h2.must({ call: 'stop', instance: { guestId: guest.guestId, epoch: 2 }, graceMs: 0 });
        const begun = await h1.ask({
          call: 'migrateOut',
          instance: source,
          targetEpoch: 2,
          uri,
          policy: quickPolicy,
          disk: null,
        });
        if (begun.ok) await h1.event('migration-failed', source);
        await h1.beats(source, 2);
        expect(await h1.stateOf(source)).toBe('running');
      },
    },
  ],
  'post-copy': [
    {
      says: 'a guest that dirties faster than the link moves all the same when post-copy is allowed, and an agent that returns meanwhile has it as its own',
      run: async (hosts) => {
        const { h1, h2 } = hosts;
        const { guest, source, target } = await copied(hosts, { ...slowPolicy, postCopy: true }, dirtying);
        await h2.must({ call: 'resume', instance: target });
        h2.restartAgent();
        expect(await h2.stateOf(target)).toBe('running');
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        await h2.beats(target, 2);
        await h2.must({ call: 'consoleWrite', instance: target, text: 'ping there\n' });
        expect(await h2.line('pong')).toMatchObject({ token: 'there' });
        // Without post-copy a busy machine may never copy as fast as it dirties.
        await h2.must({ call: 'consoleWrite', instance: target, text: 'dirty 0 16 7\n' });
        const { uri } = await h1.must({ call: 'prepareIncoming', guest, epoch: 3, policy: quickPolicy, disk: null });
        await h2.must({ call: 'migrateOut', instance: target, targetEpoch: 3, uri, policy: quickPolicy, disk: null });
        await h1.event('incoming-completed', { guestId: guest.guestId, epoch: 3 });
      },
    },
    {
      says: 'when the source dies before all of a post-copy is over, the target has crashed, and its next agent knows it too',
      run: async (hosts) => {
        const { h1, h2, bench } = hosts;
        const begin = async () => {
          const copy = await copied(hosts, { ...slowPolicy, postCopy: true }, dirtying);
          await h2.must({ call: 'resume', instance: copy.target });
          return copy;
        };
        const heard = await begin();
        bench.killVmm('h1', heard.source);
        expect(await h2.event('exited', heard.target)).toMatchObject({ how: 'crashed' });
        const unheard = await begin();
        bench.driver('h2').detach();
        bench.killVmm('h1', unheard.source);
        await bench.wait(300);
        h2.restartAgent();
        await h2.stateOf(unheard.target);
        await bench.wait(300);
        expect(['gone', 'crashed']).toContain(await h2.stateOf(unheard.target));
        await h1.event('exited', unheard.source);
      },
    },
    {
      says: 'when the target dies before all of a post-copy is over, its source is destroyed without waiting for it',
      run: async (hosts) => {
        const { h1, h2, bench } = hosts;
        const { source, target } = await copied(hosts, { ...slowPolicy, postCopy: true }, dirtying);
        bench.killVmm('h2', target);
        await h2.event('exited', target);
        const begun = bench.now();
        await h1.must({ call: 'stop', instance: source, graceMs: 0 });
        expect(bench.now() - begun).toBeLessThan(10_000);
      },
    },
  ],
};
