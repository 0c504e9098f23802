/**
 * Sends what was wanted last, one after another, when nobody has wanted anything else for a moment: a slider tells of every
 * step that it passes, and two calls at once may arrive in either order.
 */
export function latest<Value>(send: (value: Value) => Promise<unknown>, quietMs: number): (value: Value) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let before: Promise<unknown> = Promise.resolve();
  return (value) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      before = before.then(() => send(value)).catch(() => undefined);
    }, quietMs);
  };
}
