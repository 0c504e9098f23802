import { expectUnbroken, running } from './scenes';
import type { TestTable } from './scenes';

export const lifeTests: TestTable = {
  start: [
    {
      says: 'a started guest runs and beats from its first heartbeat on',
      run: async (hosts) => {
        const { source } = await running(hosts);
        expect(await hosts.h1.stateOf(source)).toBe('running');
        await hosts.h1.beats(source, 2);
        expect(hosts.h1.heartbeats(source)[0]).toBe(1);
        expectUnbroken(hosts.h1.heartbeats(source));
      },
    },
    {
      says: 'its disk is made at the first start and is the same at the next',
      run: async (hosts) => {
        const { guest, source } = await running(hosts);
        const first = await hosts.h1.line('ready');
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 0 });
        const heard = hosts.h1.lines.length;
        await hosts.h1.must({ call: 'start', guest, epoch: 2 });
        const second = await hosts.h1.line('ready', heard);
        expect(second.boot).toBe(first.boot + 1);
      },
    },
    {
      says: 'a disk that was made and is not there is not made anew: its datastore may not be mounted',
      run: async ({ h1, bench }) => {
        const guest = { ...bench.guest(), diskMade: true };
        const start = { call: 'start', guest, epoch: 1 } as const;
        expect((await h1.refusal(start)).code).toBe('disk-missing');
        expect((await h1.refusal(start)).code).toBe('disk-missing');
        expect(await h1.stateOf({ guestId: guest.guestId, epoch: 1 })).toBe('gone');
      },
    },
  ],
  stop: [
    {
      says: 'a stop with grace lets the guest power off',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 5000 });
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'stopped' });
        expect(await hosts.h1.stateOf(source)).toBe('gone');
      },
    },
    {
      says: 'a stop with no grace does not wait for the guest',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 0 });
        expect(await hosts.h1.stateOf(source)).toBe('gone');
      },
    },
    {
      says: 'a VMM that does nothing any more is destroyed when its grace is over',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.bench.freezeVmm('h1', source);
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 200 });
        expect(await hosts.h1.stateOf(source)).toBe('gone');
      },
    },
    {
      says: 'what stands still cannot power off, and is not waited for',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'pause', instance: source });
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 600_000 });
        expect(await hosts.h1.stateOf(source)).toBe('gone');
      },
    },
    {
      says: 'destroying what is not there succeeds',
      run: async ({ h1 }) => {
        await h1.must({ call: 'stop', instance: { guestId: 'nobody', epoch: 1 }, graceMs: 0 });
      },
    },
    {
      says: 'a guest that powers off by itself has stopped in order',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'off\n' });
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'stopped' });
      },
    },
  ],
  pause: [
    {
      says: 'a paused guest is silent, and goes on where it was',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'pause', instance: source });
        expect(await hosts.h1.stateOf(source)).toBe('paused');
        // What was on its way when it was paused.
        await hosts.bench.wait(100);
        const beats = hosts.h1.heartbeats(source).length;
        await hosts.bench.wait(700);
        expect(hosts.h1.heartbeats(source)).toHaveLength(beats);
        await hosts.h1.must({ call: 'resume', instance: source });
        await hosts.h1.beats(source, 2);
        expectUnbroken(hosts.h1.heartbeats(source));
      },
    },
  ],
  crash: [
    {
      says: 'the death of a VMM is told',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.bench.killVmm('h1', source);
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'crashed' });
        expect(['gone', 'crashed']).toContain(await hosts.h1.stateOf(source));
      },
    },
    {
      says: 'a panic of the guest is a crash',
      run: async (hosts) => {
        const { source } = await running(hosts);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'panic\n' });
        expect(await hosts.h1.event('exited', source)).toMatchObject({ how: 'crashed' });
      },
    },
    {
      says: 'a crashed guest starts again from its disk',
      run: async (hosts) => {
        const { guest, source } = await running(hosts);
        hosts.bench.killVmm('h1', source);
        await hosts.h1.event('exited', source);
        await hosts.h1.must({ call: 'start', guest, epoch: 2 });
        await hosts.h1.beats({ ...source, epoch: 2 });
        expect(hosts.h1.heartbeats({ ...source, epoch: 2 })[0]).toBe(1);
      },
    },
  ],
  adopt: [
    {
      says: 'a guest runs on when its agent dies, and the next agent has it again',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.h1.restartAgent();
        expect(await hosts.h1.stateOf(source)).toBe('running');
        const before = hosts.h1.heartbeats(source);
        await hosts.h1.beats(source, 2);
        expect(hosts.h1.heartbeats(source).at(-1)).toBeGreaterThan(before.at(-1) as number);
        await hosts.h1.must({ call: 'consoleWrite', instance: source, text: 'ping again\n' });
        expect(await hosts.h1.line('pong')).toMatchObject({ token: 'again' });
        await hosts.h1.must({ call: 'stop', instance: source, graceMs: 5000 });
      },
    },
    {
      says: 'a guest that died without an agent is not there, or has crashed',
      run: async (hosts) => {
        const { source } = await running(hosts);
        hosts.bench.driver('h1').detach();
        hosts.bench.killVmm('h1', source);
        await hosts.bench.wait(100);
        hosts.h1.restartAgent();
        expect(['gone', 'crashed']).toContain(await hosts.h1.stateOf(source));
      },
    },
  ],
};
