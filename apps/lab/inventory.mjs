// What the lab holds: a pool, a shared datastore, an image and the guests. Made once, and found again by name.

import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from './processes.mjs';
import { readJson, writeJson } from './private-files.mjs';
import { say } from './progress.mjs';

/** @typedef {import('./api.mjs').Api} Api */
/** @typedef {import('./api.mjs').Named} Named */

export const poolName = 'lab';
const datastoreName = 'lab';
const guestMemoryMiB = 32;
/**
 * The measuring guest, for what runs the guests.
 * @satisfies {Record<import('./options.mjs').Vmm, { image: string, program: string, architecture: string }>}
 */
const guestPrograms = {
  qemu: { image: 'tiny', program: 'guests/tiny/tiny.elf', architecture: 'x86_64' },
  embedded: { image: 'machine', program: 'guests/machine/machine.elf', architecture: 'argosy32' },
};
const joinTokenLifetimeMs = 24 * 3_600_000;

/**
 * @param {readonly Named[]} rows
 * @param {string} name
 * @returns {boolean}
 */
const has = (rows, name) => rows.some((row) => row.name === name);

/**
 * @param {Api} api
 * @param {{ folder: string, automation: string | null }} lab null: as the pool has it
 * @returns {Promise<{ joinToken: string, subnet: string }>} a token with which the lab's hosts may join, and the guests' subnet
 */
export async function ensurePool(api, { folder, automation }) {
  const datastore = join(folder, 'datastore');
  mkdirSync(join(datastore, 'heartbeats'), { recursive: true });
  if (!has(await api.pools(), poolName)) await api.createPool({ name: poolName });
  if (automation !== null) await api.updatePool(poolName, { settings: { balance: { automation } } });
  if (!has(await api.datastores(), datastoreName))
    await api.createDatastore({ name: datastoreName, path: datastore, shared: true });
  const joinToken = await api.createJoinToken({
    pool: poolName,
    description: 'the lab',
    reusable: true,
    expiresInMs: joinTokenLifetimeMs,
  });
  const { network } = await api.request('GET', `/pools/${poolName}`);
  return { joinToken, subnet: network.subnet };
}

/**
 * @param {Api} api
 * @param {{ folder: string, root: string, guestCount: number, vmm?: import('./options.mjs').Vmm }} lab
 * @returns {Promise<string[]>} the guests' names
 */
export async function ensureGuests(api, { folder, root, guestCount, vmm = 'qemu' }) {
  const { image, program, architecture } = guestPrograms[vmm];
  const images = join(folder, 'datastore', 'images');
  const kernelPath = join(images, `${image}.elf`);
  mkdirSync(images, { recursive: true });
  if (!has(await api.images(), image)) {
    copyFileSync(join(root, program), kernelPath);
    await api.createImage({
      name: image,
      format: 'kernel',
      architecture,
      kernelPath,
      datastore: datastoreName,
      minimumMemoryMiB: guestMemoryMiB,
    });
  }
  const wasRunning = /** @type {string[]} */ (readJson(join(folder, 'running.json')) ?? []);
  const existing = await api.guests();
  const names = Array.from({ length: guestCount }, (_, index) => `guest-${index + 1}`);
  for (const name of names) {
    if (has(existing, name)) continue;
    await api.createGuest({ name, pool: poolName, image, memoryMiB: guestMemoryMiB, start: true });
  }
  const stopped = existing.filter(
    ({ name, desired }) => desired === 'stopped' && (names.includes(name) || wasRunning.includes(name)),
  );
  for (const { name } of stopped) await api.startGuest(name);
  await applyStarts(api);
  return names;
}

/**
 * In a pool whose automation is manual a start waits until somebody applies its recommendation: here the launcher does.
 * @param {Api} api
 */
async function applyStarts(api) {
  const starts = (await api.recommendations()).filter(
    ({ fromHostId, state }) => fromHostId === null && state === 'open',
  );
  if (starts.length === 0) return;
  await api.applyRecommendations(starts.map(({ id }) => id));
  say(`  automation is manual: the ${starts.length} starts that Argosy recommends are applied`);
}

/**
 * Stops every guest and notes which ran, so that the next start brings them back.
 * @param {Api} api
 * @param {string} folder
 */
export async function stopGuests(api, folder) {
  const running = (await api.guests()).filter(({ desired }) => desired !== 'stopped').map(({ name }) => name);
  writeJson(join(folder, 'running.json'), running);
  await Promise.all(running.map((name) => api.stopGuest(name)));
  await waitUntil(async () => (await api.guests()).every(({ state }) => ['stopped', 'failed'].includes(state)), {
    deadlineMs: 15_000,
    intervalMs: 200,
  });
}
