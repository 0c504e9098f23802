import { RegistrationRefused } from '../registration';
import { readSimulatedSettings } from './settings';
import { SimulatedHosts } from './simulated-hosts';

function say(message: string): void {
  process.stdout.write(`${new Date().toISOString()} simulated hosts: ${message}\n`);
}

/** What cannot be mended by starting again, as sysexits' EX_CONFIG. */
const misconfigured = 78;

function fail(error: unknown): void {
  say(`cannot go on: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(error instanceof RegistrationRefused ? misconfigured : 1);
}

async function main(): Promise<void> {
  const hosts = new SimulatedHosts(readSimulatedSettings(process.env), say, fail);
  const end = (): void => {
    say('ending, and the guests with it');
    void hosts.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  await hosts.start();
}

main().catch(fail);
