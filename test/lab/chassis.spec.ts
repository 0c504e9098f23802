// Real processes: what a power cut must leave behind, which is nothing, and what it must refuse.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { powerRequest, startPower } from '../../apps/lab/chassis.mjs';
import { chassisProcesses } from '../../apps/lab/chassis-tree.mjs';
import { commandLine, waitUntil } from '../../apps/lab/processes.mjs';

interface PowerConfig {
  host: string;
  folder: string;
  socket: string;
  cpuMillicores: number;
  memoryMiB: number;
  command: string[];
  environment: Record<string, string>;
  heartbeatFile: string;
  stateFolder: string;
  namespace: 'auto' | 'never';
  cpuMethod: 'auto' | 'duty-cycle' | 'none';
}

const opened: PowerConfig[] = [];

/** An agent that says it started and leaves behind a process that has forked twice and left its session. */
const forkingAgent =
  'echo "$$" >>"$ARGOSY_STATE_FOLDER/agents"; (setsid sh -c "sleep 600 & exec sleep 601" &); exec sleep 602';

async function aChassis(changes: Partial<PowerConfig> = {}): Promise<PowerConfig> {
  const lab = mkdtempSync(join(tmpdir(), 'argosy-chassis-'));
  const folder = join(lab, 'h1');
  const stateFolder = join(folder, 'state');
  const config: PowerConfig = {
    host: 'h1',
    folder,
    socket: join(folder, 'power.sock'),
    cpuMillicores: 300,
    memoryMiB: 512,
    command: ['/bin/sh', '-c', forkingAgent],
    environment: { ARGOSY_STATE_FOLDER: stateFolder },
    heartbeatFile: join(lab, 'datastore', 'heartbeats', 'h1'),
    stateFolder,
    namespace: 'auto',
    cpuMethod: 'auto',
    ...changes,
  };
  await startPower(config);
  opened.push(config);
  return config;
}

async function status(config: PowerConfig): Promise<Record<string, unknown>> {
  return { ...(await powerRequest(config.socket, { op: 'status' })) };
}

/** @returns the mark, once the last of the agent's forks has become a program of its own */
async function waitForForks(config: PowerConfig): Promise<string> {
  const mark = String((await status(config))['mark']);
  const complete = () => ['sleep 600', 'sleep 601', 'sleep 602'].every((command) => pidsOf(command, mark).length === 1);
  expect(await waitUntil(complete, { deadlineMs: 5000 })).toBe(true);
  return mark;
}

const agentPids = ({ stateFolder }: PowerConfig): string[] =>
  existsSync(join(stateFolder, 'agents')) ? readFileSync(join(stateFolder, 'agents'), 'utf8').trim().split('\n') : [];

/** Never 0: that would be the whole process group of the test itself. */
function kill(pid: unknown, signal: NodeJS.Signals): void {
  expect(Number(pid)).toBeGreaterThan(1);
  process.kill(Number(pid), signal);
}

function pidsOf(command: string, mark: string): number[] {
  return chassisProcesses({ mark, namespace: '' })
    .map(({ pid }) => pid)
    .filter((pid) => commandLine(pid) === command);
}

afterEach(async () => {
  for (const config of opened.splice(0)) {
    await powerRequest(config.socket, { op: 'shutdown-power-process' });
    rmSync(join(config.folder, '..'), { recursive: true, force: true });
  }
});

describe.each(['auto', 'never'] as const)('a chassis with namespace: %s', (namespace) => {
  test('off leaves no process, not even one that forked twice into a session of its own', async () => {
    const config = await aChassis({ namespace });
    await powerRequest(config.socket, { op: 'on' });
    const mark = await waitForForks(config);
    const off = await powerRequest(config.socket, { op: 'off' });
    expect(off).toMatchObject({ ok: true, power: 'off' });
    expect(chassisProcesses({ mark, namespace: '' })).toEqual([]);
    expect(await status(config)).toMatchObject({ power: 'off', processes: 0 });
  });

  test('an agent that crashes is started again, and what it left running goes on', async () => {
    const config = await aChassis({ namespace });
    await powerRequest(config.socket, { op: 'on' });
    const mark = await waitForForks(config);
    const [sleeper] = pidsOf('sleep 601', mark);
    const [agent] = pidsOf('sleep 602', mark);
    const killedAt = performance.now();
    kill(agent, 'SIGKILL');
    expect(await waitUntil(() => agentPids(config).length === 2, { deadlineMs: 5000, intervalMs: 5 })).toBe(true);
    expect(performance.now() - killedAt).toBeLessThan(1000);
    expect(pidsOf('sleep 601', mark)).toContain(sleeper);
  });

  test('stop-agent ends the agent for good and nothing else', async () => {
    const config = await aChassis({ namespace });
    await powerRequest(config.socket, { op: 'on' });
    const mark = await waitForForks(config);
    expect(await powerRequest(config.socket, { op: 'stop-agent' })).toMatchObject({ ok: true, stopped: true });
    expect(await waitUntil(() => pidsOf('sleep 602', mark).length === 0, { deadlineMs: 2000 })).toBe(true);
    await sleep(300);
    expect(agentPids(config)).toHaveLength(1);
    expect(pidsOf('sleep 601', mark)).toHaveLength(1);
    expect(await status(config)).toMatchObject({ power: 'on' });
  });

  test('orphans are reaped, so no zombie stays in the chassis', async () => {
    const config = await aChassis({
      namespace,
      command: ['/bin/sh', '-c', '(setsid true &); (setsid true &); exec sleep 602'],
    });
    await powerRequest(config.socket, { op: 'on' });
    await sleep(300);
    const { namespace: hasNamespace, mark } = await status(config);
    if (hasNamespace !== true) return; // Without a namespace they go to the machine's own first process.
    const supervisors = chassisProcesses({ mark: String(mark), namespace: '' }).map(({ pid }) => pid);
    const zombies = execFileSync('ps', ['-eo', 'ppid=,stat='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([parent, state]) => state?.startsWith('Z') === true && supervisors.includes(Number(parent)));
    expect(zombies).toEqual([]);
  });
});

test('off for an earlier incarnation is refused, because the host has come back since', async () => {
  const config = await aChassis();
  await powerRequest(config.socket, { op: 'on' });
  writeFileSync(join(config.stateFolder, 'incarnation'), '5\n');
  for (const op of ['off', 'reset']) {
    expect(await powerRequest(config.socket, { op, incarnation: 4 })).toMatchObject({
      ok: false,
      code: 'stale-incarnation',
    });
  }
  expect(await status(config)).toMatchObject({ power: 'on', incarnation: 5 });
  expect(await powerRequest(config.socket, { op: 'off', incarnation: 5 })).toMatchObject({ ok: true });
});

test('a lower term is refused, also by the next power process', async () => {
  const config = await aChassis();
  await powerRequest(config.socket, { op: 'on', term: 7 });
  expect(await powerRequest(config.socket, { op: 'off', term: 6 })).toMatchObject({ ok: false, code: 'stale-term' });
  await powerRequest(config.socket, { op: 'shutdown-power-process' });
  await waitUntil(() => !existsSync(config.socket), { deadlineMs: 2000 });
  await startPower(config);
  expect(await powerRequest(config.socket, { op: 'on', term: 6 })).toMatchObject({ ok: false, code: 'stale-term' });
  expect(await powerRequest(config.socket, { op: 'on', term: 7 })).toMatchObject({ ok: true, power: 'on' });
});

test('what switches nothing raises no term, whatever it says', async () => {
  const config = await aChassis();
  await powerRequest(config.socket, { op: 'on', term: 7 });
  await powerRequest(config.socket, { op: 'none', term: 2 ** 31 });
  expect(await powerRequest(config.socket, { op: 'off', term: 7 })).toMatchObject({ ok: true, power: 'off' });
});

test('the heartbeat on the datastore beats while the power is on, and ends with it', async () => {
  const config = await aChassis();
  await powerRequest(config.socket, { op: 'on' });
  const beat = (): string => readFileSync(config.heartbeatFile, 'utf8');
  await waitUntil(() => existsSync(config.heartbeatFile) && Number(beat()) >= 1, { deadlineMs: 3000 });
  const first = Number(beat());
  expect(await waitUntil(() => Number(beat()) > first, { deadlineMs: 2000 })).toBe(true);
  await powerRequest(config.socket, { op: 'off' });
  const last = beat();
  await sleep(1200);
  expect(beat()).toBe(last);
});

test('a power process that was killed leaves the chassis on, and the next one takes it over', async () => {
  const config = await aChassis();
  await powerRequest(config.socket, { op: 'on' });
  await waitForForks(config);
  const before = await status(config);
  kill(before['pid'], 'SIGKILL');
  await sleep(50);
  await startPower(config);
  const after = await status(config);
  expect(after).toMatchObject({ power: 'on', mark: before['mark'], poweredOnAt: before['poweredOnAt'] });
  expect(await powerRequest(config.socket, { op: 'off' })).toMatchObject({ ok: true });
  expect(chassisProcesses({ mark: String(before['mark']), namespace: '' })).toEqual([]);
});

test('SIGTERM to the power process cuts the power before it ends', async () => {
  const config = await aChassis();
  await powerRequest(config.socket, { op: 'on' });
  const { pid, mark } = await status(config);
  kill(pid, 'SIGTERM');
  const gone = () =>
    chassisProcesses({ mark: String(mark), namespace: '' }).length === 0 && !existsSync(`/proc/${String(pid)}`);
  expect(await waitUntil(gone, { deadlineMs: 5000 })).toBe(true);
  await startPower(config);
});

test('bad requests are refused with their code and change nothing', async () => {
  const config = await aChassis();
  expect(await powerRequest(config.socket, { op: 'explode' })).toMatchObject({ ok: false, code: 'unknown-op' });
  expect(await powerRequest(config.socket, { op: 'off', term: 1.5 })).toMatchObject({ ok: false, code: 'bad-request' });
});

/** Processors used by a busy loop while `during` milliseconds pass. */
async function measureUse(pid: number, during: number): Promise<number> {
  const used = (): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  const [begin, start] = [performance.now(), used()];
  await sleep(during);
  return (used() - start) / ((performance.now() - begin) / 1000);
}

test('a busy loop in the group of a chassis with 300 millicores gets 30 ± 5 % of a processor', async () => {
  const config = await aChassis({ cpuMillicores: 300 });
  await powerRequest(config.socket, { op: 'on' });
  const { cpu, cgroup } = await status(config);
  if (cpu !== 'cgroup-v1' && cpu !== 'cgroup-v2') {
    console.warn(`not measured: this machine gives us no control group (${String(cpu)})`);
    return;
  }
  const guest = join(String(cgroup), 'guest');
  mkdirSync(guest);
  const busy = spawn('/bin/sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
  try {
    writeFileSync(join(guest, 'cgroup.procs'), String(busy.pid));
    expect(Math.abs((await measureUse(busy.pid ?? 0, 3000)) - 0.3)).toBeLessThan(0.05);
  } finally {
    busy.kill('SIGKILL');
    await new Promise((resolve) => busy.once('exit', resolve));
  }
  await powerRequest(config.socket, { op: 'off' });
  expect(existsSync(String(cgroup))).toBe(false);
});

test('without control groups a duty cycle keeps the QEMU processes to about their share', async () => {
  // A program whose name starts with "qemu", as the guests' have.
  const programs = mkdtempSync(join(tmpdir(), 'argosy-qemu-'));
  const program = join(programs, 'qemu-busy');
  execFileSync('cp', ['/bin/sh', program]);
  const config = await aChassis({
    cpuMethod: 'duty-cycle',
    command: ['/bin/sh', '-c', `(setsid ${program} -c "while :; do :; done" &); exec sleep 602`],
  });
  await powerRequest(config.socket, { op: 'on' });
  const { mark, cpu } = await status(config);
  expect(cpu).toBe('duty-cycle');
  const isBusy = ({ pid }: { pid: number }): boolean => commandLine(pid).startsWith(program);
  const find = () => chassisProcesses({ mark: String(mark), namespace: '' }).find(isBusy);
  await waitUntil(() => find() !== undefined, { deadlineMs: 2000 });
  await sleep(3000);
  expect(Math.abs((await measureUse(find()?.pid ?? 0, 3000)) - 0.3)).toBeLessThan(0.1);
  rmSync(programs, { recursive: true });
});
