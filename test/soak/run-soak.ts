import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '@argosy/simulator/random';
import { JobMischief } from '../fleet/job-mischief';
import { Fleet } from '../fleet/lab';
import { waitFor } from '../fleet/lab-processes';
import { pickAction } from './actions';
import { cloneFaults, leftOver } from './clones-at-rest';
import type { Soak } from './moves';
import { silentMs } from './reality';
import { Repairs } from './repairs';
import { prepareRollPrograms } from './roll-actions';
import { settle } from './settling';
import { SmallDatastore } from './small-datastore';
import { SoakGuest } from './soak-guest';

export interface SoakPlan {
  readonly seed: number;
  readonly minutes: number;
  readonly hosts: number;
  readonly guests: number;
  readonly say: (line: string) => void;
}

export interface SoakReport {
  readonly faults: readonly string[];
  readonly actions: number;
  readonly rests: number;
  readonly longestRestMs: number;
  readonly longestSettlingMs: number;
  readonly longestSilentMs: number;
}

/** Between two rests, at which everything is mended and looked at. */
const stormMs = 40_000;
const watchEveryMs = 200;
/** A guest that should run is back within this, not counting the time in which the control plane itself was broken. */
const budgetMs = 60_000;

/**
 * A real fleet under random power, load, migration, drill, maintenance and configuration changes, while agents,
 * controllers, VMMs, Redis and PostgreSQL are killed. What is done comes from the seed; when it hits is the machine's.
 */
export async function runSoak(plan: SoakPlan): Promise<SoakReport> {
  const fleet = await Fleet.start({
    hosts: plan.hosts,
    controllers: 2,
    ownNetworks: true,
    prepareDatastore: (datastore) => new SmallDatastore(datastore).mount(),
    hostEnvironment: (_name, folder) => ({ ARGOSY_ROLL_PROGRAMS: prepareRollPrograms(folder) }),
    leaseMs: 3_000,
    hostMemoryMiB: plan.guests * 64,
    pool: {
      balance: { automation: 'full', intervalMs: 3_000 },
      migration: { copyDeadlineMs: 15_000 },
      // Here everything fails more often than anywhere else, and is to come back each time.
      failure: { hostFailures: 0, guestRestarts: 10_000, isolatedAfterMs: 4_000, watchdogLeaseMs: 8_000 },
    },
  });
  const small = new SmallDatastore(fleet.datastore);
  const run = new SoakRun(fleet, plan, small);
  try {
    const report = await run.all();
    // What was found is in the logs.
    if (report.faults.length > 0) throw fleet.explained(new Error(report.faults.join('\n')));
    return report;
  } catch (error) {
    throw fleet.explained(error);
  } finally {
    await run.close();
    await fleet.stop();
  }
}

class SoakRun {
  private readonly begunAt = performance.now();
  private readonly faults: string[] = [];
  private readonly guests: SoakGuest[] = [];
  private readonly repairs = new Repairs(
    (text) => this.note(text),
    (error) => this.fault(`a repair failed: ${String(error)}`),
  );
  private readonly jobs: JobMischief;
  private readonly timer: NodeJS.Timeout;
  private watchedAt = performance.now();
  private actions = 0;
  private rests = 0;
  private longestRestMs = 0;
  private longestSettlingMs = 0;

  constructor(
    private readonly fleet: Fleet,
    private readonly plan: SoakPlan,
    private readonly small: SmallDatastore,
  ) {
    this.jobs = new JobMischief(fleet);
    this.timer = setInterval(() => this.watch(), watchEveryMs);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.repairs.all();
    await this.jobs.close();
  }

  private note(text: string): void {
    this.plan.say(`${((performance.now() - this.begunAt) / 1000).toFixed(1).padStart(7)} ${text}`);
  }

  private fault(text: string): void {
    if (this.faults.includes(text)) return;
    this.faults.push(text);
    this.note(`FAULT ${text}`);
  }

  async all(): Promise<SoakReport> {
    const { plan, fleet } = this;
    await this.small.open(fleet);
    const guests = await fleet.createGuests(
      Array.from({ length: plan.guests }, (_, index) => ({
        name: `g${index + 1}`,
        datastore: index % 2 === 0 ? 'datastore' : SmallDatastore.datastoreName,
      })),
    );
    for (const [index, guest] of guests.entries()) {
      const each = new SoakGuest(guest, plan.seed * 100 + index);
      await each.prepare();
      this.guests.push(each);
    }
    const soak: Soak = {
      fleet,
      random: createRandom(plan.seed),
      guests: this.guests,
      jobs: this.jobs,
      repairs: this.repairs,
      small: this.small,
    };
    const end = this.begunAt + plan.minutes * 60_000;
    while (performance.now() < end && this.faults.length === 0) {
      await this.storm(soak, Math.min(end, performance.now() + stormMs));
      await this.rest();
    }
    return {
      faults: this.faults,
      actions: this.actions,
      rests: this.rests,
      longestRestMs: this.longestRestMs,
      longestSettlingMs: this.longestSettlingMs,
      longestSilentMs: Math.max(0, ...this.guests.map(({ longestSilentMs }) => longestSilentMs)),
    };
  }

  private async storm(soak: Soak, end: number): Promise<void> {
    while (performance.now() < end && this.faults.length === 0) {
      const text = await pickAction(soak.random)
        .run(soak)
        .catch((error: unknown) => `(not done: ${String(error).slice(0, 160)})`);
      if (text !== null) {
        this.actions += 1;
        this.note(text);
      }
      await sleep(50 + soak.random.below(soak.random.below(3) === 0 ? 300 : 3_000));
    }
  }

  /** Asked of the operating system several times a second, whatever else goes on. */
  private watch(): void {
    const now = performance.now();
    const pastMs = now - this.watchedAt;
    this.watchedAt = now;
    for (const guest of this.guests) {
      for (const text of guest.doubles()) this.fault(text);
      const isSilent = now - guest.guest.record.spokeAt() > silentMs;
      if (guest.wanted !== 'running' || !isSilent) guest.silentMs = 0;
      else if (this.repairs.isControlPlaneWhole) guest.silentMs += pastMs;
      guest.longestSilentMs = Math.max(guest.longestSilentMs, guest.silentMs);
      if (guest.silentMs > budgetMs) this.fault(`${guest.name} should run, and has not for ${budgetMs / 1000} s`);
    }
  }

  private async rest(): Promise<void> {
    this.note('everything is mended');
    await this.repairs.all();
    await this.powerOn().catch((error: unknown) => this.fault(`not mended: ${String(error)}`));
    const settling = await settle(this.fleet, this.guests).catch((error: unknown) => this.fault(String(error)));
    if (!settling) return;
    const { restMs, settlingMs } = settling;
    this.longestRestMs = Math.max(this.longestRestMs, restMs);
    this.longestSettlingMs = Math.max(this.longestSettlingMs, settlingMs);
    for (const guest of this.guests) for (const text of await guest.faults()) this.fault(text);
    for (const text of await cloneFaults(this.fleet, this.guests)) this.fault(text);
    for (const text of await leftOver(this.fleet)) this.fault(text);
    this.rests += 1;
    this.note(
      `rest ${this.rests}: ${(restMs / 1000).toFixed(1)} s after the mending, the record equals reality ${(settlingMs / 1000).toFixed(1)} s after that was quiet, ${this.faults.length} faults`,
    );
  }

  /** A drill of which no answer came may have been begun all the same. */
  private async powerOn(): Promise<void> {
    const { api, hosts } = this.fleet;
    const isAhead = async (): Promise<boolean> => {
      const { items } = await api.call('drill.list', { query: { limit: 5 } });
      return items.some(({ state }) => state === 'predicting' || state === 'injecting');
    };
    await waitFor('no drill is about to break something', async () => !(await isAhead()), { deadlineMs: 150_000 });
    await Promise.all(hosts.map((host) => host.power('on')));
  }
}
