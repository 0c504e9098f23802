/* global sessionStorage, document, innerWidth, axe */
// npm run console:shots: a picture of every page at two widths, of a lab that runs, for people to look at. And what axe
// finds wrong on each: a violation of level A or AA ends it with status 1.
//   npm run console:shots -- [--url http://127.0.0.1:8080] [--token-file .argosy/controller/token] [--only guests] [--dark]

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { chromiumFlags } from './chromium-flags.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    'token-file': { type: 'string', default: join(root, '.argosy/controller/token') },
    only: { type: 'string', default: '' },
    dark: { type: 'boolean', default: false },
  },
});
const token = readFileSync(values['token-file'], 'utf8').trim();
const folder = join(root, '.shots');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const widths = [1440, 390];
const settleMs = 1200;
const leastHeight = 900;
/** What is longer is cut off. */
const mostHeight = 4000;

/** In the page: whether anything is wider than it, and how much of it is below the edge. */
function measure() {
  const main = document.querySelector('main');
  const [width, height] = main ? [main.scrollWidth - main.clientWidth, main.scrollHeight - main.clientHeight] : [0, 0];
  return { isWider: width > 0 || document.documentElement.scrollWidth > innerWidth, hidden: height };
}

/** @typedef {import('playwright-core').Page} Page */

/** @param {string} name */
const press = (name) => (/** @type {Page} */ page) => page.getByRole('button', { name, exact: true }).first().click();

/** Opens something on a page before its picture is taken. @satisfies {Record<string, (page: Page) => Promise<void>>} */
const scenes = {
  alarms: (/** @type {Page} */ page) => page.getByRole('button', { name: / open alarms?$/ }).click(),
  newGuest: press('Create a guest'),
  migrate: press('Migrate'),
  maintenance: async (/** @type {Page} */ page) => {
    await press('Actions')(page);
    await page.getByRole('menuitem', { name: 'Enter maintenance' }).click();
  },
  print: async (/** @type {Page} */ page) => {
    const pdf = await page.pdf({ path: join(folder, 'drill.pdf'), preferCSSPageSize: true, printBackground: true });
    const sheets = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length;
    if (sheets !== 1) console.log(`  the drill's report takes ${sheets} sheets of paper`);
  },
};

/** @param {string} path */
async function read(path) {
  const response = await fetch(`${values.url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()).items;
}

const [pools, hosts, guests, drills, simulations] = await Promise.all(
  ['/pools', '/hosts', '/guests', '/drills', '/simulations'].map(read),
);
const running = guests.find((/** @type {{ state: string }} */ { state }) => state === 'running') ?? guests[0];
const tabs = {
  pool: ['', '/hosts', '/guests', '/load', '/balance', '/rules', '/failover', '/maintenance', '/settings', '/events'],
  host: ['', '/guests', '/hardware', '/fencing', '/events'],
  guest: ['', '/console', '/screen', '/disks', '/snapshots', '/placements', '/settings', '/events'],
  access: ['', '/users', '/hosts', '/audit'],
};
const pages = [
  ['sign-in', null],
  ['fleet', '/'],
  ...['pools', 'hosts', 'guests', 'drills', 'simulations', 'events', 'tasks', 'datastores', 'images'].map((name) => [
    name,
    `/${name}`,
  ]),
  ['new-drill', '/drills/new'],
  ...tabs.pool.map((tab) => [`pool${tab.replace('/', '-')}`, pools[0] && `/pools/${pools[0].id}${tab}`]),
  ...tabs.host.map((tab) => [`host${tab.replace('/', '-')}`, hosts[0] && `/hosts/${hosts[0].id}${tab}`]),
  ...tabs.guest.map((tab) => [`guest${tab.replace('/', '-')}`, running && `/guests/${running.id}${tab}`]),
  ...tabs.access.map((tab) => [`access${tab.replace('/', '-')}`, `/access${tab}`]),
  ['drill', drills[0] && `/drills/${drills[0].id}`, scenes.print],
  ...['what-if', 'fleet'].map((kind) => {
    const found = simulations.find(
      (/** @type {any} */ { request, state }) => request.kind === kind && state === 'done',
    );
    return [`simulation-${kind}`, found && `/simulations/${found.id}`];
  }),
  ['nothing-there', '/nothing/there'],
  ['alarms', '/', scenes.alarms],
  ['new-guest', '/guests', scenes.newGuest],
  ['maintenance', hosts[0] && `/hosts/${hosts[0].id}`, scenes.maintenance],
  ['migrate', running && `/guests/${running.id}`, scenes.migrate],
].filter(([name, path]) => path !== undefined && String(name).includes(values.only));

// First what needs no token: once a page has had one, it gives it to the next, as one tab to another.
const isOpenToAll = (/** @type {any[]} */ [, path]) => path === null;
const rounds = [pages.filter(isOpenToAll), pages.filter((each) => !isOpenToAll(each))].flatMap((shown) =>
  shown.length === 0 ? [] : widths.map((width) => /** @type {const} */ ([width, shown])),
);

mkdirSync(folder, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), 'argosy-shots-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  colorScheme: values.dark ? 'dark' : 'light',
  args: chromiumFlags,
});
let violations = 0;
try {
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && console.log(`  console: ${message.text()}`));
  page.on('pageerror', (error) => console.log(`  error: ${error.message}`));
  for (const [width, shown] of rounds) {
    for (const [name, path, scene] of shown) {
      await page.setViewportSize({ width, height: leastHeight });
      if (path === null) await page.goto(values.url);
      else {
        if (page.url() === 'about:blank' || !(await page.evaluate(() => sessionStorage.getItem('argosy-token'))))
          await page.goto(`${values.url}/#token=${token}`);
        await page.goto(`${values.url}${path}`);
      }
      await page.waitForTimeout(settleMs);
      await scene?.(page);
      const { isWider, hidden } = await page.evaluate(measure);
      if (isWider) console.log(`  ${name} at ${width}: wider than the screen`);
      // The page scrolls in its frame: a picture of it all takes a screen that is as high.
      await page.setViewportSize({ width, height: Math.min(mostHeight, leastHeight + hidden) });
      await page.waitForTimeout(settleMs / 2);
      await page.screenshot({ path: join(folder, `${name}-${width}${values.dark ? '-dark' : ''}.png`) });
      await page.evaluate(axeSource);
      const { violations: found } = await page.evaluate(() =>
        axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
      );
      for (const { id, help, nodes } of found) {
        violations += 1;
        console.log(`  ${name} at ${width}: ${id}: ${help}`);
        for (const { html, failureSummary } of nodes.slice(0, 3))
          console.log(
            `    ${html.slice(0, 200)}\n    ${failureSummary.split('\n').slice(1, 3).join(' ').slice(0, 300)}`,
          );
      }
    }
    console.log(`${shown.length} pages at ${width}`);
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
console.log(`pictures in ${folder}; ${violations} violations found by axe`);
process.exit(violations === 0 ? 0 : 1);
