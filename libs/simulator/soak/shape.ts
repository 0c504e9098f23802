import { isolationResponses } from '@argosy/domain/policies';
import type { Random } from '../random';

/** A fleet to soak: what there is, as lines of a scenario. */
export interface Shape {
  readonly hosts: readonly string[];
  readonly guests: readonly string[];
  readonly lines: () => readonly string[];
}

/** Four hosts with room for twice their guests, and few rules: what goes wrong there has nothing to do with room. */
export function roomyShape(random: Random): Shape {
  const hosts = ['h1', 'h2', 'h3', 'h4'];
  const guests = ['a', 'b', 'c', 'd', 'e', 'f'];
  const lines = (): string[] => [
    ...hosts.map((name) => `host ${name} 2048 cpu 1000 phase ${random.below(1000)}`),
    ...guests.map(
      (name, index) =>
        `guest ${name} 256 on ${hosts[index % hosts.length]} dirty ${random.below(40)} ${32 + random.below(128)} data ${index + 1}`,
    ),
    ...(random.below(3) === 0 ? ['rule apart a b'] : []),
    ...commonSettings(random),
  ];
  return { hosts, guests, lines };
}

function commonSettings(random: Random): string[] {
  return [
    `set isolation ${random.pick(isolationResponses)}`,
    `set failure.isolatedAfterMs ${2_000 + random.below(12_000)}`,
    `set failure.watchdogLeaseMs ${6_000 + random.below(10_000)}`,
    `set failure.lockIsProof ${random.below(4) === 0}`,
    `set migration.bandwidthMiBPerSecond ${50 + random.below(200)}`,
    `set migration.postCopy ${random.below(4) === 0}`,
    'set migration.copyDeadlineMs 15000',
  ];
}

interface HostDraft {
  readonly name: string;
  readonly pool: string;
  freeMiB: number;
  freeMillicores: number;
}

interface GuestDraft {
  readonly name: string;
  readonly on: HostDraft;
}

/** Hosts of several sizes, fuller or less full, with reservations, failure domains, rules of all kinds, and what a pool may be set to. */
export function narrowShape(random: Random): Shape {
  const lines: string[] = [];
  const hosts = narrowHosts(random, lines);
  const guests = narrowGuests(random, hosts, lines);
  lines.push(...rulesOf(random, hosts, guests), ...narrowSettings(random), ...commonSettings(random));
  const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
  return { hosts: names(hosts), guests: names(guests), lines: () => lines };
}

function narrowHosts(random: Random, lines: string[]): HostDraft[] {
  const [domains, kinds, pools] = [random.below(2) === 0, random.below(6) === 0, random.below(5) === 0];
  const spare = random.below(6) === 0;
  return Array.from({ length: pools ? 6 : 4 }, (_, index) => {
    const [name, memoryMiB] = [`h${index + 1}`, random.pick([1024, 1536, 2048])];
    const pool = index < 4 ? 'main' : 'other';
    const isSpare = spare && index === 3;
    const cpuMillicores = random.pick([1000, 2000]);
    lines.push(
      [
        `host ${name} ${memoryMiB} cpu ${cpuMillicores} phase ${random.below(1000)}`,
        ...(domains ? [`domain rack${index >> 1}`] : []),
        ...(kinds ? [`cpu-model ${index % 2 === 0 ? 'old' : 'new'}`] : []),
        ...(isSpare ? ['failover-only'] : []),
        ...(pool === 'main' ? [] : [`pool ${pool}`]),
      ].join(' '),
    );
    return { name, pool, freeMiB: isSpare ? 0 : memoryMiB, freeMillicores: cpuMillicores };
  });
}

/** Guests are added, each to the host with the most room, until so much of all memory is taken. */
function narrowGuests(random: Random, hosts: readonly HostDraft[], lines: string[]): GuestDraft[] {
  const guests: GuestDraft[] = [];
  const allMiB = hosts.reduce((sum, { freeMiB }) => sum + freeMiB, 0);
  const leftMiB = (allMiB * (15 + random.below(50))) / 100;
  let freeMiB = allMiB;
  while (guests.length < 9) {
    const on = [...hosts].sort((one, other) => other.freeMiB - one.freeMiB)[0]!;
    const memoryMiB = random.pick([128, 256, 256, 384, 512, 768]);
    if (memoryMiB > on.freeMiB || freeMiB - memoryMiB < leftMiB) break;
    const reserved = random.below(3) === 0 ? Math.min(on.freeMillicores, 100 + random.below(400)) : 0;
    on.freeMiB -= memoryMiB;
    on.freeMillicores -= reserved;
    freeMiB -= memoryMiB;
    const name = String.fromCharCode(97 + guests.length);
    const area = 32 + random.below(Math.min(128, memoryMiB - 64));
    lines.push(
      [
        `guest ${name} ${memoryMiB} on ${on.name} dirty ${random.below(40)} ${area} data ${guests.length + 1}`,
        ...(reserved > 0 ? [`reserve ${reserved}`] : []),
        ...(random.below(4) === 0 ? [`load ${random.below(800)}`] : []),
        ...(random.below(4) === 0 ? [`priority ${random.pick(['highest', 'high', 'low'])}`] : []),
        ...(on.pool === 'main' ? [] : [`pool ${on.pool}`]),
      ].join(' '),
    );
    guests.push({ name, on });
  }
  return guests;
}

/** No two rules among the same guests, so that none contradicts another. */
function rulesOf(random: Random, hosts: readonly HostDraft[], guests: readonly GuestDraft[]): string[] {
  const main = guests.filter(({ on }) => on.pool === 'main').map(({ name }) => name);
  const names = hosts.filter(({ pool }) => pool === 'main').map(({ name }) => name);
  const rules: string[] = [];
  for (let left = random.below(4); left > 0 && main.length > 3; left--) {
    const kind = random.pick([
      'apart',
      'together',
      'spread',
      'near',
      'must-run-on',
      'must-not-run-on',
      'should-run-on',
    ]);
    const isAmongGuests = ['apart', 'together', 'spread', 'near'].includes(kind);
    const ruled = main.splice(0, isAmongGuests ? 2 : 1);
    const first = random.below(names.length);
    const some = [names[first]!, names[(first + 1) % names.length]!].slice(0, kind === 'must-run-on' ? 2 : 1);
    rules.push(`rule ${kind} ${[...ruled, ...(isAmongGuests ? [] : some)].join(' ')}`);
  }
  return rules;
}

function narrowSettings(random: Random): string[] {
  const admissions = ['host-failures', 'host-failures', 'reserved-share', 'failover-hosts', 'none'] as const;
  return [
    `set balance.threshold ${1 + random.below(5)}`,
    `set failure.admission ${random.pick(admissions)}`,
    ...(random.below(4) === 0 ? ['set balance.vcpuRatio 4'] : []),
    ...(random.below(4) === 0 ? ['set power.automation automatic', 'set power.lowForMs 15000'] : []),
  ];
}
