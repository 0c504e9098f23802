import { Watchdog } from './watchdog';

// A process of its own, started by what starts the agent and ended by nothing but the host's end. Of Argosy it uses
// nothing, so that no fault of the rest can be a fault of it.

function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  process.stderr.write(`watchdog: ${name} must be set, as for the agent\n`);
  process.exit(78);
}

const watchdog = new Watchdog({
  hostName: required('ARGOSY_HOST'),
  stateFolder: required('ARGOSY_STATE_FOLDER'),
  datastoreFolder: required('ARGOSY_DATASTORE_FOLDER'),
  device: process.env['ARGOSY_WATCHDOG_DEVICE'] || null,
  say: (message) => process.stdout.write(`${new Date().toISOString()} watchdog: ${message}\n`),
});
watchdog.start();
process.once('SIGTERM', () => process.exit(watchdog.stop() ? 0 : 1));
