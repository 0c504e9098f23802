// A web server is lost with its host, and is said to be recovered when it serves again; that it runs is not enough.
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './build';
import { Fleet } from './lab';
import type { LabGuest } from './lab-guest';
import { waitFor } from './lab-processes';

// Guests are reached in a network of the kernel's only.
const isAllowed = process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'ip', 'link']).status === 0;
const asRoot = isAllowed ? test : test.skip;
const linuxMiB = 128;

async function addLinux(fleet: Fleet): Promise<void> {
  const folder = join(fleet.datastore, 'images/linux');
  await promisify(execFile)(process.execPath, [join(root, 'guests/linux/build.mjs'), '--out', folder]);
  const image = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8')) as Record<string, string>;
  await fleet.api.call('image.create', {
    body: {
      name: 'linux',
      format: 'kernel',
      kernelPath: join(folder, image['kernel']!),
      initrdPath: join(folder, image['initrd']!),
      kernelArguments: image['append']!,
      datastore: 'datastore',
      minimumMemoryMiB: linuxMiB,
    },
  });
}

const recoveries = async (guest: LabGuest, since: number): Promise<string[]> =>
  (await guest.events('guest-recovered', since)).map(({ message }) => message);

asRoot(
  'a guest with a probe is recovered when that is answered, and not before',
  async () => {
    const fleet = await Fleet.start({
      hosts: 2,
      hostMemoryMiB: 512,
      ownNetworks: true,
      reachesGuests: true,
      // Of no other lab, whose controller could be in the way.
      pool: { network: { subnet: '10.251.0.0/16' }, balance: { automation: 'partial' } },
    });
    try {
      await addLinux(fleet);
      const probe = { kind: 'http', path: '/', status: 200 } as const;
      const linux = { image: 'linux', memoryMiB: linuxMiB };
      const [web, mute] = (await fleet.createGuests([
        { ...linux, name: 'web', probe: { ...probe, port: 80 } },
        { ...linux, name: 'mute', probe: { ...probe, port: 81 } },
      ])) as [LabGuest, LabGuest];
      const { address } = await web.get();
      await waitFor('the page is served', () =>
        fetch(`http://${address}/`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      const lost = await web.host();
      if ((await mute.host()) !== lost) await mute.waitForEnd((await mute.migrate(lost)).id);
      const since = fleet.now();
      await lost.power('off');
      const [said] = await waitFor('web is recovered', async () => {
        const all = await recoveries(web, since);
        return all.length > 0 && all;
      });
      expect(said).toContain('web is recovered: its probe was answered');
      expect((await fetch(`http://${address}/`)).ok).toBe(true);
      await mute.expectRunsOnce();
      const beats = () => mute.record.lives().slice(1);
      await waitFor('mute beats again', () => (beats().at(-1)?.counts.length ?? 0) > 10);
      expect(await recoveries(mute, since)).toEqual([]);
      await fleet.api.call('guest.update', { params: { guest: mute.id }, body: { probe: null } });
      await waitFor('mute is recovered', async () => (await recoveries(mute, since)).length > 0);
      expect((await recoveries(mute, since))[0]).toContain('its heartbeat was seen');
    } catch (error) {
      throw fleet.explained(error);
    } finally {
      await fleet.stop();
    }
  },
  300_000,
);
