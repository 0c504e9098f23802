import type { Chance } from '@argosy/machine/random-program';
import type { TourScreen } from '@argosy/machine/tour/tour';
import { cut, paint, type Cell } from './output/table';
import type { Session } from './session';
import { redraw } from './top/top-screen';

const enterScreen = '\x1b[?1049h\x1b[?25l\x1b[2J';
const leaveScreen = '\x1b[?25h\x1b[?1049l';
const keysLine = 'space, n, → next   b, ← back   1 to 9, 0 go to a screen   q quit';

const forward = [' ', 'n', 'N', '\r', '\n', '\x1b[C', '\x1b[B'];
const back = ['b', 'B', 'p', 'P', '\x7f', '\x1b[D', '\x1b[A'];
const quit = ['q', 'Q', '\x03', '\x1b'];

export interface Tour {
  readonly screens: readonly TourScreen[];
  /** Each screen is made with the same chance whenever it is shown. */
  readonly chanceOf: (screen: number) => Chance;
}

function screenLines({ screens, chanceOf }: Tour, index: number): Cell[] {
  const { title, code, lines } = screens[index]!;
  return [
    { text: `${index + 1}/${screens.length}  ${title}`, colour: 'bold' },
    { text: '' },
    ...lines(chanceOf(index)).map((text) => ({ text })),
    { text: '' },
    { text: `In the code: ${code}`, colour: 'dim' },
  ];
}

/** One below the other, for a pipe, a file, or who cannot use keys. */
export function printTour(session: Session, tour: Tour): void {
  if (!session.isForPeople)
    return session.printValue(
      tour.screens.map(({ title, code, lines }, index) => ({
        title,
        code,
        lines: lines(tour.chanceOf(index)),
      })),
    );
  for (const index of tour.screens.keys()) {
    if (index > 0) session.print('');
    for (const { text, colour } of screenLines(tour, index)) session.print(paint(text, colour, session.useColour));
  }
}

/** The number of the screen that a key leads to; undefined: it means nothing here. */
export function screenAfter(key: string, index: number, count: number): number | undefined {
  if (forward.includes(key)) return Math.min(index + 1, count - 1);
  if (back.includes(key)) return Math.max(index - 1, 0);
  if (!/^[0-9]$/.test(key)) return undefined;
  const wanted = (Number(key) + 9) % 10;
  return wanted < count ? wanted : undefined;
}

export async function showTour(session: Session, tour: Tour): Promise<void> {
  const { io } = session;
  let index = 0;
  let isOver = false;
  let shown: string[] = [];
  const draw = (): void => {
    const { columns, rows } = io.out;
    const lines: Cell[] = [...screenLines(tour, index), { text: '' }, { text: keysLine, colour: 'dim' }];
    const fitting = lines
      .slice(0, rows)
      .map(({ text, colour }) => paint(cut(text, columns), colour, session.useColour));
    io.out.write(redraw(shown, fitting));
    shown = fitting;
  };
  io.out.write(enterScreen);
  let offKey = (): void => {};
  const offResize = io.onResize(() => {
    shown = [];
    io.out.write('\x1b[2J');
    draw();
  });
  try {
    draw();
    await new Promise<void>((resolve) => {
      io.signal.addEventListener('abort', () => resolve(), { once: true });
      offKey = io.keyboard.onKey((key) => {
        isOver ||= quit.includes(key);
        if (isOver) return resolve();
        const next = screenAfter(key, index, tour.screens.length);
        if (next === undefined || next === index) return;
        index = next;
        draw();
      });
    });
  } finally {
    offKey();
    offResize();
    io.out.write(leaveScreen);
  }
}
