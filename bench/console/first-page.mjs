// How long it takes from opening the console's address until the fleet can be looked at, and how much is loaded for it.

import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, median, spread } from '../figures.mjs';
import { startLab } from '../lab/private-lab.mjs';
import { startChromium } from './chromium.mjs';

const mostMs = 1500;
const mostBytes = 350_000;
const quietMs = 1000;

/** @type {import('../figures.mjs').Benchmark} */
export const firstPage = {
  name: 'first-page',
  title: 'a lab of three hosts and eight guests is opened in a browser that has cached nothing',
  measure: async (context) => {
    const { quick, note } = context;
    const lab = await startLab(context, { hosts: 3, guests: 8 });
    const times = [];
    let loadedBytes = 0;
    for (let run = 0; run < (quick ? 2 : 7); run++) {
      const browser = await startChromium();
      const page = await browser.newPage();
      const session = await browser.newCDPSession(page);
      await session.send('Network.enable');
      const ofApi = new Set();
      let bytes = 0;
      let heardAt = performance.now();
      session.on('Network.requestWillBeSent', ({ requestId, request }) => {
        if (request.url.includes('/api/')) ofApi.add(requestId);
        else heardAt = performance.now();
      });
      session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
        if (ofApi.has(requestId)) return;
        bytes += encodedDataLength;
        heardAt = performance.now();
      });
      const begun = performance.now();
      await page.goto(`${lab.url}/#token=${lab.token}`, { waitUntil: 'commit' });
      await page.getByText('3 of 3').waitFor();
      times.push(performance.now() - begun);
      // What is loaded after the figures, as fonts, is of the first load too. The stream of events never ends, so no idle network is waited for.
      while (performance.now() - heardAt < quietMs) await sleep(quietMs / 5);
      loadedBytes = Math.max(loadedBytes, bytes);
      note(`${Math.round(times.at(-1) ?? 0)} ms, ${bytes} bytes`);
      await browser.close();
    }
    return [
      atMost({
        name: 'first-page.usable',
        value: median(times),
        unit: 'ms',
        reference: null,
        target: mostMs,
        remark: `until the fleet's figures are on the page; ${spread(times)}`,
      }),
      atMost({
        name: 'first-page.bytes',
        value: loadedBytes / 1000,
        unit: 'kB',
        reference: null,
        target: mostBytes / 1000,
        remark: 'compressed, with headers, and without the answers of the API',
      }),
    ];
  },
};
