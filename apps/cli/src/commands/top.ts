import { command } from '../command';
import { followEvents } from '../event-stream';
import { clock } from '../output/units';
import type { Session } from '../session';
import { FleetView } from '../top/fleet-view';
import { redraw, topLines } from '../top/top-screen';

const refreshMs = 500;
const enterScreen = '\x1b[?1049h\x1b[?25l\x1b[2J';
const leaveScreen = '\x1b[?25h\x1b[?1049l';
const scrollingColumns = 120;

function title(session: Session, view: FleetView, trouble: string): string {
  const now = session.io.now();
  const running = [...view.guests.values()].filter(({ state }) => state === 'running').length;
  const facts = `${view.hosts.size} hosts, ${running} of ${view.guests.size} guests running`;
  return `argosy  ${session.api.server}  ${facts}  ${clock(now, now)}${trouble === '' ? '' : `  ${trouble}`}`;
}

async function printOnce(session: Session, view: FleetView): Promise<void> {
  await view.read(session.api);
  const { hosts, guests, usages, migrations, events } = view;
  if (!session.isForPeople) {
    const rows = {
      hosts: [...hosts.values()],
      guests: [...guests.values()],
      usages: [...usages.values()],
      migrations: [...migrations.values()],
      events,
    };
    return session.printValue(rows);
  }
  const size = { columns: scrollingColumns, rows: Infinity, useColour: false };
  topLines(view, title(session, view, ''), { now: session.io.now(), size }).forEach((line) => session.print(line));
}

async function live(session: Session, view: FleetView): Promise<void> {
  const { io } = session;
  const stop = new AbortController();
  const signal = AbortSignal.any([io.signal, stop.signal]);
  let shown: string[] = [];
  let trouble = '';
  let fault: Error | undefined;
  const draw = (): void => {
    const size = { columns: io.out.columns, rows: io.out.rows, useColour: session.useColour };
    const lines = topLines(view, `${title(session, view, trouble)}  q quits`, { now: io.now(), size });
    io.out.write(redraw(shown, lines));
    shown = lines;
  };
  const readAll = (): void => {
    view.read(session.api).then(
      () => (trouble = ''),
      (error: Error) => {
        fault = error;
        stop.abort();
      },
    );
  };
  io.out.write(enterScreen);
  const offKey = io.keyboard.onKey((key) => {
    if (key === 'q' || key === 'Q' || key === '\x03' || key === '\x1b') stop.abort();
  });
  const offResize = io.onResize(() => {
    shown = [];
    io.out.write('\x1b[2J');
    draw();
  });
  const timer = setInterval(draw, refreshMs);
  try {
    await followEvents(session.api, {
      signal,
      onOpen: readAll,
      onBreak: ({ message }) => (trouble = message),
      onMessage: (message) => {
        if (message.kind === 'reset') readAll();
        else view.take(message);
      },
    });
  } finally {
    clearInterval(timer);
    offResize();
    offKey();
    io.out.write(leaveScreen);
  }
  if (fault !== undefined) throw fault;
}

export const topCommands = [
  command({
    path: 'top',
    summary: 'the fleet, live: load, guests, migrations under way, events; one snapshot where there is no terminal',
    flags: { once: { type: 'flag', summary: 'print it once, on a terminal too' } },
    run: async (session, { flags }) => {
      const { out, keyboard } = session.io;
      const view = new FleetView();
      if (flags.once || !out.isTerminal || !keyboard.isTerminal || !session.isForPeople) await printOnce(session, view);
      else await live(session, view);
      return 'done';
    },
  }),
];
