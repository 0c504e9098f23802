// Outlives whoever started a test fleet, however that ends, and then stops all that stands in its folder:
//   node guard.mjs <folder>     with an IPC channel: { keep: boolean } ends it in order, a broken channel at once
// With `keep` the logs stay.

import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { powerAnswers, powerRequest } from '../../apps/lab/chassis.mjs';
import { removeNetwork } from '../../apps/lab/lab-network.mjs';
import { readJson } from '../../apps/lab/private-files.mjs';
import { errorMessage, stopProcess } from '../../apps/lab/processes.mjs';
import { removePostgres, removeRedis } from '../../apps/lab/servers.mjs';
import { unmountBelow } from './scratch-mounts.mjs';

const [folder = ''] = process.argv.slice(2);
const kill = /** @type {const} */ ([{ signal: 'SIGKILL', waitMs: 5_000 }]);

/** @param {string} name */
const namesIn = (name) => (existsSync(join(folder, name)) ? readdirSync(join(folder, name)) : []);

async function stopHost(/** @type {string} */ host) {
  const socket = join(folder, 'hosts', host, 'power.sock');
  if (await powerAnswers(socket)) await powerRequest(socket, { op: 'shutdown-power-process' }, { deadlineMs: 20_000 });
}

async function stopController(/** @type {string} */ name) {
  const saved = readJson(join(folder, 'controllers', name, 'process.json'));
  if (saved !== undefined) await stopProcess(/** @type {any} */ (saved), kill);
}

/** @param {boolean} keep */
async function stopAll(keep) {
  const failures = [];
  const results = await Promise.allSettled([
    ...namesIn('hosts').map(stopHost),
    ...namesIn('controllers').map(stopController),
  ]);
  for (const result of results) if (result.status === 'rejected') failures.push(errorMessage(result.reason));
  for (const [name, remove] of /** @type {const} */ ([
    ['redis', removeRedis],
    ['postgres', removePostgres],
  ])) {
    const log = join(folder, name, `${name}.log`);
    if (keep && existsSync(log)) cpSync(log, join(folder, `${name}.log`));
    await remove(join(folder, name)).catch((error) => failures.push(errorMessage(error)));
  }
  const hasNetwork = ['network.json', 'switch.json'].some((name) => existsSync(join(folder, name)));
  if (hasNetwork) await removeNetwork(folder).catch((error) => failures.push(errorMessage(error)));
  unmountBelow(folder);
  if (!keep) rmSync(folder, { recursive: true, force: true });
  return failures;
}

let ending = false;
process.on('message', (/** @type {{ keep: boolean }} */ { keep }) => {
  ending = true;
  void stopAll(keep).then((failures) => process.send?.({ failures }, () => process.disconnect()));
});
process.on('disconnect', () => {
  if (!ending) void stopAll(true).finally(() => process.exit());
});
// Ctrl-C at the terminal reaches the whole group; whoever started the fleet ends, and so does the channel.
process.on('SIGINT', () => undefined);
