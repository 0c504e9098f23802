import { useEffect } from 'react';

/** How many parts of what is on the screen show what guests use. */
let watching = 0;
let changed: () => void = () => undefined;

/** For parts of a page that show what guests use: of a large fleet it is asked for only then. */
export function useGuestFigures(): void {
  useEffect(() => {
    watching += 1;
    changed();
    return () => {
      watching -= 1;
      changed();
    };
  }, []);
}

export const areGuestFiguresShown = (): boolean => watching > 0;

/** Returns what ends the telling. */
export function onGuestFiguresShown(listener: () => void): () => void {
  changed = listener;
  return () => (changed = () => undefined);
}
