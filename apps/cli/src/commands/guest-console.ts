import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '../command';
import { appended, forTerminal } from '../output/console-text';
import type { Session } from '../session';

const pollMs = 400;

function read(session: Session, guest: string): Promise<string> {
  return session.api.call('guest.console', { params: { guest }, query: {} }).then(({ text }) => text);
}

function show(session: Session, text: string): void {
  if (text !== '') session.io.out.write(session.io.out.isTerminal ? forTerminal(text) : text);
}

async function follow(
  session: Session,
  guest: string,
  { seen, forMs }: { readonly seen: string; readonly forMs: number | undefined },
): Promise<void> {
  const { signal } = session.io;
  const end = performance.now() + (forMs ?? Infinity);
  let before = seen;
  while (!signal.aborted && performance.now() < end) {
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const now = await read(session, guest);
    show(session, appended(before, now));
    before = now;
  }
}

export const consoleCommands = [
  command({
    path: 'guest console',
    summary: "print the end of a guest's console, type a line on it, or follow it",
    parameters: [{ name: 'guest', names: 'guest' }],
    flags: {
      write: { type: 'text', placeholder: 'line', summary: 'type this line on it' },
      follow: { type: 'flag', short: 'f', summary: 'go on printing what the guest says' },
      for: { type: 'duration', summary: 'follow it for so long' },
    },
    examples: ['guest console web', 'guest console web --write stats --for 1s', 'guest console web --follow'],
    run: async (session, { parameters, flags }) => {
      const { guest } = parameters;
      const follows = flags.follow || flags.for !== undefined;
      if (flags.write === undefined || follows) {
        const seen = await read(session, guest);
        if (flags.write === undefined) show(session, seen);
        else await session.api.call('guest.console-write', { params: { guest }, body: { text: `${flags.write}\n` } });
        if (follows) await follow(session, guest, { seen, forMs: flags.for });
        return 'done';
      }
      await session.api.call('guest.console-write', { params: { guest }, body: { text: `${flags.write}\n` } });
      if (session.isForPeople) session.note(`Typed on the console of ${guest}. --for 1s shows what it answers.`);
      return 'done';
    },
  }),
];
