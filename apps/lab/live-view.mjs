// The lab as it is, every second; on something that is no terminal, a line for each event.

import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from './processes.mjs';
import { say } from './progress.mjs';
import { table } from './report.mjs';

/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {import('./api.mjs').FleetEvent} FleetEvent */
/** @typedef {{ hosts: import('./api.mjs').Host[], guests: import('./api.mjs').Guest[], usage: import('./api.mjs').HostUsage[], events: FleetEvent[] }} View */

/**
 * @param {number} value
 * @param {number} maximum
 * @returns {string}
 */
function bar(value, maximum) {
  const filled = Math.min(10, Math.round((10 * value) / Math.max(maximum, 1)));
  return `${'█'.repeat(filled)}${'·'.repeat(10 - filled)}`;
}

/**
 * @param {FleetEvent} event
 * @returns {string}
 */
function eventLine(event) {
  return `  ${new Date(event.at).toISOString().slice(11, 19)}  ${event.message}`;
}

/**
 * @param {View} view
 * @param {string} footer
 * @returns {string}
 */
export function renderView({ hosts, guests, usage, events }, footer) {
  const observations = new Map(usage.flatMap((host) => host.guests.map((guest) => [guest.guestId, guest])));
  const hostRows = hosts.map((host) => {
    const heard = usage.find(({ hostId }) => hostId === host.id);
    const [used, capacity] = [heard?.cpuMillicores ?? 0, heard?.capacity.cpuMillicores ?? 0];
    const residents = guests.filter(({ hostId }) => hostId === host.id).map(({ name }) => name);
    return [host.name, host.state, bar(used, capacity), `${Math.round(used)}/${capacity}`, residents.join(' ')];
  });
  const guestRows = guests.map((guest) => {
    const seen = observations.get(guest.id);
    const host = hosts.find(({ id }) => id === guest.hostId)?.name ?? '–';
    return [
      guest.name,
      guest.state,
      host,
      `${Math.round(seen?.usage?.cpuMillicores ?? 0)}`,
      `${seen?.heartbeat?.count ?? '–'}`,
    ];
  });
  return [
    table([['HOST', 'STATE', 'PROCESSOR', 'MILLICORES', 'GUESTS'], ...hostRows], { right: [3] }),
    '',
    table([['GUEST', 'STATE', 'HOST', 'MILLICORES', 'HEARTBEAT'], ...guestRows], { right: [3, 4] }),
    '',
    ...events.slice(0, 6).map(eventLine),
    '',
    footer,
  ].join('\n');
}

/**
 * @param {Api} api
 * @returns {Promise<View>}
 */
async function readView(api) {
  const [hosts, guests, usage, events] = await Promise.all([api.hosts(), api.guests(), api.usage(), api.events()]);
  const byName = (/** @type {{ name: string }} */ left, /** @type {{ name: string }} */ right) =>
    left.name.localeCompare(right.name, 'en', { numeric: true });
  return { hosts: hosts.sort(byName), guests: guests.sort(byName), usage, events };
}

/**
 * Runs until it is aborted.
 * @param {Api} api
 * @param {{ footer: string, signal: AbortSignal }} options
 */
export async function showLiveView(api, { footer, signal }) {
  let lastEvent = 0;
  if (!process.stdout.isTTY) say(footer);
  while (!signal.aborted) {
    try {
      const view = await readView(api);
      // From the top, each line cleared as it is written: clearing the whole screen first would flicker.
      if (process.stdout.isTTY) say(`\x1b[H${renderView(view, footer).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
      else
        view.events
          .filter(({ id }) => id > lastEvent)
          .reverse()
          .forEach((event) => say(eventLine(event)));
      lastEvent = Math.max(lastEvent, ...view.events.map(({ id }) => id));
    } catch (error) {
      if (!signal.aborted) say(`  the controller does not answer: ${errorMessage(error)}`);
    }
    await sleep(1000, undefined, { signal }).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }
}
