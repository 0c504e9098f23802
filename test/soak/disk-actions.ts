import { waitFor } from '../fleet/lab-processes';
import { type Action, ask, askMs, between, mayWrite, pickGuest, pickHost, type Soak, start, write } from './moves';
import type { SoakGuest } from './soak-guest';

/** Until then whatever else goes on may have kept it from being stopped. */
const stopMs = 20_000;
/** A copy that is not there by then was refused, or its request never heard. */
const takenMs = 10_000;

/** Its plug is pulled, something is done to it where it lies, and it starts again, after a while or when the soak rests. */
async function whileStopped(soak: Soak, guest: SoakGuest, act: () => Promise<string>): Promise<string> {
  const params = { guest: guest.name };
  guest.ends += 1;
  guest.wanted = 'stopped';
  const asked = await ask(soak, 'guest.stop', { params, body: { force: true } });
  let done = 'not stopped in time';
  const isStopped = await waitFor(
    `${guest.name} is stopped`,
    async () => (await guest.guest.get().catch(() => null))?.state === 'stopped',
    { deadlineMs: stopMs },
  ).catch(() => false);
  if (isStopped) done = await act();
  const backMs = between(soak.random, 500, 15_000);
  soak.repairs.after(backMs, `stop ${guest.name}`, `${guest.name} starts`, () => start(soak, guest));
  return `stop (${asked}), ${done}, start after ${backMs} ms`;
}

async function snapshotsOf(soak: Soak, guest: SoakGuest) {
  const { items } = await soak.fleet.api.call('snapshot.list', { params: { guest: guest.name } }, askMs);
  return items.filter(({ state }) => state === 'ready');
}

/** A snapshot or a clone. What is written from its request until it is seen may be in it, and nothing that is written later. */
async function copy(soak: Soak, guest: SoakGuest, { name, take, isTaken }: NewCopy): Promise<string> {
  const writing = await mayWrite(soak, guest);
  guest.isCopied(name);
  const answer = await take();
  soak.repairs.after(0, `copy ${name}`, `${name} of ${guest.name}`, async () => {
    const look = () => isTaken().catch(() => false);
    const isSeen = await waitFor(`${name} is there`, look, { deadlineMs: takenMs, intervalMs: 200 }).catch(() => false);
    if (isSeen) guest.hasCopy(name);
    return isSeen ? 'is there' : 'was not seen';
  });
  return `${writing}${name} of ${guest.name}: ${answer}`;
}

interface NewCopy {
  readonly name: string;
  readonly take: () => Promise<string>;
  readonly isTaken: () => Promise<boolean>;
}

const isCloned = async (soak: Soak, name: string): Promise<boolean> =>
  (await soak.fleet.api.call('guest.get', { params: { guest: name } }, askMs)).state !== 'cloning';

let clones = 0;

/** What is done to disks; at each rest they are looked at. */
export const diskActions: readonly Action[] = [
  {
    weight: 3,
    run: async (soak) => {
      const guest = pickGuest(soak);
      if (guest.wanted === 'stopped') return null;
      guest.wanted = 'stopped';
      const writing = await mayWrite(soak, guest);
      const answer = await ask(soak, 'guest.suspend', { params: { guest: guest.name } });
      const backMs = between(soak.random, 500, 15_000);
      soak.repairs.after(backMs, `stop ${guest.name}`, `${guest.name} goes on`, () => start(soak, guest));
      return `${writing}suspend ${guest.name} for ${backMs} ms: ${answer}`;
    },
  },
  {
    weight: 7,
    run: async (soak) => {
      const guest = pickGuest(soak);
      const [oldest, ...others] = (await snapshotsOf(soak, guest)).reverse();
      // A disk with snapshots does not move, so they do not stay for ever.
      if (oldest && (others.length > 0 || soak.random.below(2) === 0)) {
        const params = { guest: guest.name, snapshot: oldest.id };
        return `remove snapshot ${oldest.name} of ${guest.name}: ${await ask(soak, 'snapshot.remove', { params })}`;
      }
      const body = { name: `s${soak.random.below(1_000_000)}`, memory: soak.random.below(2) === 0 };
      const said = await copy(soak, guest, {
        name: body.name,
        take: () => ask(soak, 'snapshot.take', { params: { guest: guest.name }, body }),
        isTaken: async () => (await snapshotsOf(soak, guest)).some(({ name }) => name === body.name),
      });
      return `snapshot${body.memory ? ' with memory' : ''} ${said}`;
    },
  },
  {
    weight: 5,
    run: async (soak) => {
      const guest = pickGuest(soak);
      const ready = await snapshotsOf(soak, guest);
      if (ready.length === 0 || guest.wanted === 'stopped') return null;
      const snapshot = soak.random.pick(ready);
      const params = { guest: guest.name, snapshot: snapshot.id };
      const said = await whileStopped(soak, guest, async () => {
        // Also where no answer comes: it may go back all the same.
        if (snapshot.memoryPath !== null) guest.guest.record.goesBack();
        const answer = await ask(soak, 'snapshot.revert', { params });
        guest.wentBack(snapshot.name, answer === 'accepted');
        return answer;
      });
      return `${guest.name} back to ${snapshot.name}${snapshot.memoryPath === null ? '' : ' with its memory'}: ${said}`;
    },
  },
  {
    weight: 6,
    run: async (soak) => {
      const [guest, host] = [pickGuest(soak), pickHost(soak)];
      if ((await snapshotsOf(soak, guest)).length > 0) return null;
      const { datastoreId } = await soak.fleet.api.call('guest.get', { params: { guest: guest.name } }, askMs);
      const { items } = await soak.fleet.api.call('datastore.list', {}, askMs);
      const datastore = items.find(({ id }) => id !== datastoreId)!.name;
      const alone = soak.random.below(2) === 0;
      const call = { params: { guest: guest.name }, body: alone ? { datastore } : { datastore, host: host.name } };
      const writing = await mayWrite(soak, guest);
      const what = alone ? `the disk of ${guest.name}` : `${guest.name} with its disk to ${host.name},`;
      return `${writing}move ${what} to ${datastore}: ${await ask(soak, 'guest.migrate', call)}`;
    },
  },
  {
    weight: 6,
    run: async (soak) => write(soak, pickGuest(soak)),
  },
  {
    weight: 2,
    run: async (soak) => {
      const { small, random, repairs } = soak;
      if (!small.canBeFilled || repairs.isBroken('room')) return null;
      small.fill();
      const backMs = between(random, 2_000, 10_000);
      repairs.after(backMs, 'room', 'there is room again', async () => small.free());
      for (const guest of soak.guests) await write(soak, guest);
      return `fill the small datastore for ${backMs} ms, and let everyone write`;
    },
  },
  {
    weight: 3,
    run: async (soak) => {
      const guest = pickGuest(soak);
      const body = { name: `c${++clones}` };
      const said = await copy(soak, guest, {
        name: body.name,
        take: () => ask(soak, 'guest.clone', { params: { guest: guest.name }, body }),
        isTaken: () => isCloned(soak, body.name),
      });
      return `clone ${said}`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const guest = pickGuest(soak);
      if (guest.wanted === 'stopped' || (await snapshotsOf(soak, guest)).length > 0) return null;
      const [params, body] = [{ guest: guest.name }, { name: `c${++clones}`, linked: true }];
      const said = await whileStopped(soak, guest, async () => {
        guest.isCopied(body.name);
        const answer = await ask(soak, 'guest.clone', { params, body });
        guest.hasCopy(body.name);
        return answer;
      });
      return `linked clone ${body.name} of ${guest.name}: ${said}`;
    },
  },
  {
    weight: 2,
    run: async (soak) => {
      const { items } = await soak.fleet.api.call('guest.list', {}, askMs);
      const clone = items.find(({ clonedFrom }) => clonedFrom !== null);
      return clone ? `remove ${clone.name}: ${await ask(soak, 'guest.remove', { params: { guest: clone.id } })}` : null;
    },
  },
];
