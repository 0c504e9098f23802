// What was started and must be stopped, whatever happens.

/** @typedef {() => Promise<void> | void} Stop */
/** @type {{ title: string, stop: Stop }[]} */
const closers = [];

/**
 * @param {string} title
 * @param {Stop} stop
 */
export function closeLater(title, stop) {
  closers.push({ title, stop });
}

/**
 * The last started first. One that fails does not keep the others from being stopped.
 * @param {(text: string) => void} note
 */
export async function closeAll(note) {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
    try {
      await closer.stop();
    } catch (error) {
      note(`${closer.title} did not stop: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
