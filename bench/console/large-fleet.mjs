// Whether the console keeps up with a large fleet: how often the screen is renewed while events come, at rest and while a table of all
// guests is scrolled.

import { atLeast, atMost, quantile, round } from '../figures.mjs';
import { startChromium } from './chromium.mjs';
import { startFleetServer } from './fleet-server.mjs';

const leastFramesPerSecond = 30;
const eventsPerSecond = 60;

/** Runs in the page: how long each frame was after the one before. */
const counting = (/** @type {number} */ ms) => `new Promise((resolve) => {
  const gaps = [];
  const begun = performance.now();
  let last = begun;
  const frame = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    if (now - begun < ${ms}) requestAnimationFrame(frame);
    else resolve(gaps);
  };
  requestAnimationFrame(frame);
})`;

/**
 * @param {import('playwright-core').Page} page
 * @param {number} seconds
 * @returns {Promise<number[]>}
 */
async function framesOf(page, seconds) {
  return /** @type {number[]} */ (await page.evaluate(counting(seconds * 1000)));
}

/** @param {readonly number[]} gaps */
function slowestSecond(gaps) {
  let [elapsed, frames, least] = [0, 0, Infinity];
  for (const gap of gaps) {
    elapsed += gap;
    frames += 1;
    if (elapsed < 1000) continue;
    least = Math.min(least, (frames * 1000) / elapsed);
    [elapsed, frames] = [0, 0];
  }
  return least;
}

/**
 * @param {string} name
 * @param {string} what
 * @param {readonly number[]} gaps
 */
function figuresOf(name, what, gaps) {
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return [
    atLeast({
      name: `large-fleet.${name}`,
      value: slowestSecond(gaps),
      unit: 'frames/s',
      reference: null,
      target: leastFramesPerSecond,
      remark: `in the slowest second, ${what}; ${round(1000 / mean)} in the mean`,
    }),
    atMost({
      name: `large-fleet.${name}-frame`,
      value: quantile(gaps, 0.95),
      unit: 'ms',
      reference: null,
      target: null,
      remark: `95 % of frames are within it; the longest took ${round(quantile(gaps, 1))} ms`,
    }),
  ];
}

/** @type {import('../figures.mjs').Benchmark} */
export const largeFleet = {
  name: 'large-fleet',
  title: `1,000 hosts and 20,000 guests are listed while ${eventsPerSecond} events come each second`,
  measure: async (context) => {
    const { quick, note } = context;
    const seconds = quick ? 3 : 10;
    const server = await startFleetServer(context, { hosts: 1000, guests: 20_000 });
    const browser = await startChromium();
    const page = await browser.newPage();
    const begun = performance.now();
    await page.goto(`${server.url}/guests#token=bench`, { waitUntil: 'commit' });
    await page.getByText('20,000 guests').waitFor();
    note(`20,000 guests are listed after ${Math.round(performance.now() - begun)} ms`);
    server.eventsPerSecond(eventsPerSecond);
    await page.waitForTimeout(2000);
    const atRest = await framesOf(page, seconds);
    const list = page.getByRole('region', { name: 'guests' });
    await list.hover();
    const scrolled = framesOf(page, seconds);
    for (const end = performance.now() + seconds * 1000; performance.now() < end; await page.waitForTimeout(16))
      await page.mouse.wheel(0, 400);
    const scrolling = await scrolled;
    const where = await list.evaluate((element) => element.scrollTop);
    if (where === 0) throw new Error('the list was not scrolled');
    note(`scrolled by ${Math.round(where)} pixels`);
    await page.goto(`${server.url}/`);
    await page.getByText('1,000 of 1,000').waitFor();
    await page.waitForTimeout(1000);
    const picture = await framesOf(page, seconds);
    return [
      ...figuresOf('list', 'the list of guests at rest', atRest),
      ...figuresOf('scroll', 'the list of guests scrolled by 400 pixels at a time', scrolling),
      ...figuresOf('picture', "the fleet's picture", picture),
    ];
  },
};
