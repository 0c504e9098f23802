// What was started and must be stopped, whatever happens.

/** @typedef {() => Promise<void> | void} Stop */
/** @type {{ title: string, stop: Stop }[]} */
const closers = [];
let isOver = false;
/** @type {Promise<void>} */
let closing = Promise.resolve();

/**
 * @param {string} title
 * @param {Stop} stop
 */
export function closeLater(title, stop) {
  closers.push({ title, stop });
  if (isOver) throw new Error('interrupted');
}

/** From now on nothing more is started: what registers its end throws. */
export function startNothingMore() {
  isOver = true;
}

/**
 * The last started first, one after another, whoever asks. One that fails does not keep the others from being stopped.
 * @param {(text: string) => void} note
 * @returns {Promise<void>}
 */
export function closeAll(note) {
  closing = closing.then(() => closeEach(note));
  return closing;
}

/** @param {(text: string) => void} note */
async function closeEach(note) {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
    try {
      await closer.stop();
    } catch (error) {
      note(`${closer.title} did not stop: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
