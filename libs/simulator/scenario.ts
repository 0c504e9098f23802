import { inventoryOf } from './inventory-plan';
import type { Scenario, Workload } from './scenario-text';
import type { ModelInstance } from './model-instance';
import { World } from './world';

export interface ScenarioRun {
  /** A line for each thing that happened, then how it ended. */
  readonly log: readonly string[];
  /** Invariants that did not hold. */
  readonly violations: readonly string[];
}

/** Runs a scenario to its end. The same text gives the same log, always; `tell` hears each line of it as it happens. */
export function runScenario(scenario: Scenario, tell?: (line: string) => void): ScenarioRun {
  const world = new World({
    inventory: inventoryOf(scenario),
    phases: new Map(scenario.hosts.map(({ name, phaseMs = 0 }) => [name, phaseMs])),
  });
  const log: string[] = [];
  const say = (line: string): void => {
    log.push(line);
    tell?.(line);
  };
  world.onNote = ({ at, text }) => say(`${(at / 1000).toFixed(3).padStart(8)} ${text}`);
  world.log.forEach(world.onNote);
  const workloads = new Map(scenario.guests.map((guest) => [guest.name, guest.workload]));
  for (const { name, workload } of scenario.guests)
    if (workload.dataSeed !== null) world.invariants.dataSeeds.set(name, workload.dataSeed);
  world.whenBooted((instance) => work(instance, workloads.get(instance.guest.name)));
  for (const step of scenario.steps) {
    world.clock.at(step.atMs, () => {
      world.note(`! ${step.text}`);
      step.action(world);
    });
  }
  world.runUntil(scenario.untilMs);
  world.invariants.checkSettled();
  ending(world).forEach(say);
  return { log, violations: world.invariants.violations };
}

function work(instance: ModelInstance, workload: Workload | undefined): void {
  if (!workload) return;
  if (workload.areaMiB > 0) instance.consoleWrite(`dirty ${workload.dirtyMBps} ${workload.areaMiB} 1\n`);
  if (workload.dataSeed !== null) instance.consoleWrite(`disk fill 8 ${workload.dataSeed}\n`);
  if (workload.loadPermille > 0) instance.consoleWrite(`load ${workload.loadPermille}\n`);
}

function ending(world: World): string[] {
  const guests = [...world.store.rows.guest.values()].map((guest) => {
    const copy = world.copyOf(guest.name);
    const where = copy ? `runs on ${copy.machine.name}, boot ${copy.memory!.boot}` : 'does not run';
    return `end: ${guest.name} ${where}; recorded ${guest.state} on ${world.hostName(guest.hostId)}`;
  });
  const open = [...world.store.rows.alarm.values()].filter((alarm) => alarm.clearedAt === null);
  return [...guests, ...open.map((alarm) => `end: alarm ${alarm.code}`)];
}
