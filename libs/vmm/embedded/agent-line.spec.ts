import type { VmmEvent } from '@argosy/control/ports/vmm-driver';
import { AgentLine } from './agent-line';

const instance = { guestId: 'g', epoch: 1 };
const said = (text: string): { event: VmmEvent } => ({ event: { kind: 'console', instance, text } });
const beat = (count: number): { event: VmmEvent } => ({
  event: { kind: 'heartbeat', instance, count, work: 0, at: 0 },
});

/** An agent's end of the line, which takes nothing before it is told to. */
class Agent {
  untaken: string[] = [];
  isGone = false;

  get writableLength(): number {
    return this.untaken.reduce((sum, text) => sum + text.length, 0);
  }

  write(text: string): boolean {
    this.untaken.push(text);
    return false;
  }

  destroy(): void {
    this.isGone = true;
  }

  take(): unknown[] {
    const text = this.untaken.splice(0).join('');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]));
  }
}

function aLine(): { agent: Agent; line: AgentLine } {
  const agent = new Agent();
  return { agent, line: new AgentLine(agent as never) };
}

beforeEach(() => jest.useFakeTimers({ doNotFake: ['queueMicrotask'] }));
afterEach(() => jest.useRealTimers());

test('what guests say is told together, and an answer comes after what was said before it', async () => {
  const { agent, line } = aLine();
  line.tell(said('one'));
  line.tell(said('two'));
  expect(agent.untaken).toEqual([]);
  line.tell({ id: 7, result: { ok: true, value: null } });
  await Promise.resolve();
  expect(agent.untaken).toHaveLength(1);
  expect(agent.take()).toEqual([said('one'), said('two'), { id: 7, result: { ok: true, value: null } }]);
});

test('an agent that takes nothing misses what consoles say beyond a few megabytes, and none of the heartbeats', () => {
  const { agent, line } = aLine();
  const text = 'x'.repeat(64 * 1024);
  for (let count = 1; count <= 1000; count++) {
    line.tell(said(text));
    line.tell(beat(count));
    jest.advanceTimersByTime(10);
  }
  expect(agent.writableLength).toBeLessThan(5 * 2 ** 20);
  const heard = agent.take() as { event: VmmEvent }[];
  const counts = heard.flatMap(({ event }) => (event.kind === 'heartbeat' ? [event.count] : []));
  expect(counts).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
  // And when it takes again it hears what is said from then on.
  line.tell(said('again'));
  jest.advanceTimersByTime(10);
  expect(agent.take()).toEqual([said('again')]);
  expect(agent.isGone).toBe(false);
});

test('one that is told by a guest of more heartbeats than it can take is let go', () => {
  const { agent, line } = aLine();
  for (let count = 1; count <= 700_000 && !agent.isGone; count++) {
    line.tell(beat(count));
    if (count % 10_000 === 0) jest.advanceTimersByTime(10);
  }
  expect(agent.isGone).toBe(true);
});
