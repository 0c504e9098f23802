import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FleetServer, token } from './fleet-server';
import { type Ran, runInProcess, type Surroundings } from './in-process';
import { handlersOf, type SampleFleet, sampleFleet } from './sample-fleet';

/** The command line, a server with a sample fleet that is made anew for each test, and a folder that is gone after it. */
export class CliBench {
  server!: FleetServer;
  fleet!: SampleFleet;
  scratch!: string;

  /** What a shell would have set. */
  get environment(): Record<string, string> {
    return { ARGOSY_URL: this.server.url, ARGOSY_TOKEN: token };
  }

  readonly argosy = (args: readonly string[], { environment = {}, ...more }: Surroundings = {}): Promise<Ran> =>
    runInProcess(args, { environment: { ...this.environment, ...environment }, ...more });

  readonly asked = (name: string) => this.server.asked.filter((call) => call.name === name);
}

export function useCli(): CliBench {
  const cli = new CliBench();
  beforeAll(async () => {
    cli.server = await FleetServer.start({});
  });
  beforeEach(() => {
    cli.fleet = sampleFleet();
    cli.server.handlers = handlersOf(cli.fleet);
    cli.server.asked.length = 0;
    cli.scratch = mkdtempSync(join(tmpdir(), 'argosy-cli-test-'));
  });
  afterEach(() => rmSync(cli.scratch, { recursive: true, force: true }));
  afterAll(() => cli.server.stop());
  return cli;
}
