import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IsolationPolicy } from '@argosy/domain/policies';
import type { EndedCopy } from '@argosy/domain/host-report';
import { endGuests } from './watchdog/end-guests';
import {
  bootId,
  ordersFile,
  readJson,
  recordFile,
  sinceBootMs,
  type WatchdogRecord,
  writeJson,
} from './watchdog/watchdog-files';

/** An agent whose guests the watchdog has ended begins anew: what it believes of them is not true any more. */
export const endedByWatchdog = 75;

export interface IsolationParts {
  readonly hostName: string;
  readonly stateFolder: string;
  readonly datastoreFolder: string | null;
  readonly say: (message: string) => void;
}

/** The agent's side of being cut off: what it tells the watchdog, what it says on the datastore, and a look after both. */
export class Isolation {
  private readonly firedBefore: number;
  private said = '';

  constructor(private readonly parts: IsolationParts) {
    this.firedBefore = this.record()?.fired ?? 0;
  }

  follow({ response, leaseMs }: IsolationPolicy, incarnation: number): void {
    const armed = response !== 'keep-running' && this.parts.datastoreFolder !== null;
    writeJson(ordersFile(this.parts.stateFolder), { armed, leaseMs, incarnation });
  }

  /** Said again whenever it changes, or could not be said. */
  say(ended: readonly EndedCopy[]): void {
    const { datastoreFolder, hostName } = this.parts;
    const text = JSON.stringify({ ended });
    if (datastoreFolder === null || text === this.said) return;
    try {
      mkdirSync(join(datastoreFolder, 'isolated'), { recursive: true });
      const path = this.path(datastoreFolder);
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
      this.said = text;
      this.parts.say(`${hostName} is isolated: neither Redis nor a controller can be reached`);
    } catch {
      // The datastore is out of reach as well; then the watchdog's lease runs out.
    }
  }

  rejoin(): void {
    const { datastoreFolder, hostName } = this.parts;
    this.said = '';
    if (datastoreFolder !== null && existsSync(this.path(datastoreFolder)))
      rmSync(this.path(datastoreFolder), { force: true });
    this.parts.say(`${hostName} is not isolated any more`);
  }

  /**
   * Two processes look after one lease: where the watchdog died, or stands still, the agent ends the guests in its place.
   * True: this has happened, by the one or the other, and the agent must begin anew.
   */
  guestsWereEnded(): boolean {
    const record = this.record();
    if (record === null || record.bootId !== bootId()) return false;
    if (record.fired > this.firedBefore) return true;
    if (record.deadlineMs === null || sinceBootMs() < record.deadlineMs) return false;
    return endGuests(this.parts.stateFolder) > 0;
  }

  private record(): WatchdogRecord | null {
    return readJson<WatchdogRecord>(recordFile(this.parts.stateFolder));
  }

  private path(datastoreFolder: string): string {
    return join(datastoreFolder, 'isolated', this.parts.hostName);
  }
}
