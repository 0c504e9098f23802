import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { useCli } from './cli-bench';
import { FleetServer, Refused } from './fleet-server';
import { aGuest, aRoll } from './sample-fleet';

jest.setTimeout(60_000);

const cli = useCli();
const { argosy, asked } = cli;

describe('printing', () => {
  test('a table has what an administrator looks for, and no colour where there is no terminal', async () => {
    const { status, out, err } = await argosy(['guest', 'list']);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const [title, web] = out.split('\n');
    expect(title?.split(/ {2,}/)).toEqual([
      'NAME',
      'STATE',
      'HOST',
      'ADDRESS',
      'EPOCH',
      'MEMORY',
      'CPU',
      'DEMAND',
      'UPTIME',
      'HEARTBEAT',
    ]);
    expect(web).toMatch(/^web +running +h1 +10\.128\.0\.\d+ +3 +64 MiB +312m +480m +6[4-9]s +1234, 0\.\ds ago$/);
    expect(out).not.toContain('\x1b');
  });

  test('wide, json, yaml and name', async () => {
    expect((await argosy(['guest', 'list', '-o', 'wide'])).out).toMatch(/POOL.*IMAGE.*REASON/);
    expect(JSON.parse((await argosy(['guest', 'list', '-o', 'json'])).out)).toEqual([...cli.fleet.guests.values()]);
    expect((await argosy(['guest', 'list', '-o', 'yaml'])).out).toContain('- id: guest-web\n  name: web\n');
    expect((await argosy(['-o', 'name', 'guests', 'ls'])).out).toBe('guest/web\nguest/db\n');
    expect((await argosy(['guest', 'list', '--no-headers'])).out).toMatch(/^web /);
  });

  test('what -o name prints can be given back', async () => {
    const { status, out } = await argosy(['guest', 'show', 'guest/web']);
    expect(status).toBe(0);
    expect(out).toMatch(/^NAME +web$/m);
    expect(out).toMatch(/^ENTITLED TO +400m of 480m asked for\nMET +75%$/m);
  });

  test('control characters in what a host says do not reach the terminal', async () => {
    cli.fleet.guests.set('web', aGuest('web', { stateReason: 'a\x1b[2Jb\nc' }));
    expect((await argosy(['guest', 'list', '-o', 'wide'])).out).toContain('a [2Jb c');
  });

  test('capabilities say what, and why', async () => {
    const { out } = await argosy(['host', 'capabilities', 'h1']);
    expect(out).toMatch(/ACCELERATOR +tcg: \/dev\/kvm is missing/);
    expect(out).toMatch(/VT-X +no: not in \/proc\/cpuinfo/);
  });

  test('top prints one snapshot where there is no terminal', async () => {
    const { status, out } = await argosy(['top']);
    expect(status).toBe(0);
    expect(out).toContain('3 hosts, 1 of 2 guests running');
    expect(out).toMatch(/h1 +online +█+·+ +64%/);
    expect(out).not.toContain('\x1b');
  });
});

describe('acting', () => {
  test('a guest is made, started and waited for', async () => {
    const { status, out } = await argosy([
      'guest',
      'create',
      'new',
      '--image',
      'tiny',
      '--memory',
      '1G',
      '--wait',
      '--timeout',
      '10s',
    ]);
    expect({ status, out }).toEqual({ status: 0, out: 'Guest new is made and is running.\n' });
    expect(asked('guest.create')[0]?.body).toEqual({
      name: 'new',
      pool: 'lab',
      image: 'tiny',
      start: true,
      memoryMiB: 1024,
    });
  });

  test('cloud-init data go with the guest, and what is none is refused here', async () => {
    writeFileSync(join(cli.scratch, 'user-data'), '#cloud-config\nhostname: web\n');
    writeFileSync(join(cli.scratch, 'other'), 'hostname: web\n');
    const create = (file: string) =>
      argosy(['guest', 'create', 'n', '--image', 'tiny', '--cloud-init', file], { folder: cli.scratch });
    expect((await create('user-data')).status).toBe(0);
    expect(asked('guest.create')[0]?.body).toMatchObject({ cloudInit: '#cloud-config\nhostname: web\n' });
    expect(await create('other')).toMatchObject({ status: 2, err: expect.stringContaining('#cloud-config') as string });
    expect((await create('none')).status).toBe(5);
  });

  test('start, stop and restart, several at once, until it has happened', async () => {
    expect((await argosy(['guest', 'start', 'web', 'db', '--wait'])).out).toBe(
      'Guest web is running.\nGuest db is running.\n',
    );
    expect((await argosy(['guest', 'restart', 'web', '--wait'])).out).toBe('Guest web is running.\n');
    expect(cli.fleet.guests.get('web')?.epoch).toBe(4);
    expect((await argosy(['guest', 'stop', 'web', '--wait'])).out).toBe('Guest web is stopped.\n');
  });

  test('a wait ends when the guest has failed, or in time', async () => {
    cli.server.handlers['guest.start'] = () => aGuest('db', { state: 'starting' });
    cli.fleet.guests.set('db', aGuest('db', { state: 'failed', stateReason: 'no boot sector.' }));
    const failed = await argosy(['guest', 'start', 'db', '--wait']);
    expect(failed).toMatchObject({ status: 8, err: 'argosy: db has failed: no boot sector. [failed]\n' });
    cli.fleet.guests.set('db', aGuest('db', { state: 'starting' }));
    const late = await argosy(['guest', 'start', 'db', '--wait', '--timeout', '600ms']);
    expect(late.status).toBe(6);
    expect(late.err).toContain('Waited 600 ms for db to be running (it is starting). [timed-out]');
  });

  test('a migration is followed to its end and its downtime told', async () => {
    const { status, out } = await argosy(['guest', 'migrate', 'web', '--to', 'h2', '--wait']);
    expect(status).toBe(0);
    expect(out).toBe('web runs on h2: 800 ms in all, stopped for 4 ms, 9 ms between its heartbeats.\n');
    expect(asked('guest.migrate')[0]).toMatchObject({ params: { guest: 'web' }, body: { host: 'h2' } });
    expect((await argosy(['migration', 'show', 'web'])).status).toBe(0);
    expect((await argosy(['migration', 'show', 'dddd'])).status).toBe(0);
    expect(await argosy(['migration', 'show', 'db'])).toMatchObject({
      status: 5,
      err: expect.stringContaining('Guest db has never been migrated') as string,
    });
  });

  test('a drill prints its timeline, and its status is its verdict', async () => {
    const met = await argosy(['drill', 'run', 'host-loss', '--host', 'h2', '--objective', 'detect=3s,alive=5000']);
    expect(met.status).toBe(0);
    expect(asked('drill.run')[0]?.body).toEqual({
      drill: 'host-loss',
      host: 'h2',
      objectives: { detect: 3000, alive: 5000 },
    });
    expect(met.out).toMatch(/^detect +3\.00 s +2\.81 s +2\.80 s +−10 ms +yes$/m);
    expect(met.out).toMatch(/^web +h2 +h3 +3\.30 s +3\.40 s$/m);
    expect(met.out).toContain('1 of 1 guests came back. Longest outage 3.40 s.\nVerdict: objectives met');
    const missed = await argosy(['drill', 'run', 'host-loss', '--host', 'h2', '--objective', 'detect=1', '-o', 'json']);
    expect(missed.status).toBe(7);
    expect(JSON.parse(missed.out)).toMatchObject({ verdict: 'missed' });
  });

  test('policies, rules, recommendations and tokens', async () => {
    await argosy(['pool', 'set', 'lab', '--automation', 'manual', '--failed-after', '3s', '--cpu-safety', '85%']);
    expect(asked('pool.update')[0]?.body).toEqual({
      settings: { balance: { automation: 'manual', cpuSafetyShare: 0.85 }, failure: { failedAfterMs: 3000 } },
    });
    await argosy(['rule', 'create', 'r', '--kind', 'apart', '--guests', 'web,db']);
    expect(asked('rule.create')[0]?.body).toEqual({ name: 'r', pool: 'lab', kind: 'apart', guests: ['web', 'db'] });
    expect((await argosy(['balance', 'apply', 'eeeeeeee', '-o', 'name'])).out).toMatch(/^recommendation\/eeeeeeee-/);
    expect((await argosy(['balance', 'apply'])).status).toBe(2);
    expect((await argosy(['balance', 'run'])).out).toContain('h1 is overloaded');
    expect((await argosy(['guest', 'set', 'web', '--cpu-limit', 'none'])).status).toBe(0);
    expect(asked('guest.update')[0]?.body).toEqual({ cpuLimitMillicores: null });
    expect((await argosy(['token', 'create', '--expires', '30d'])).out).toBe('argosy_abc\n');
  });

  test('where every guest was', async () => {
    const before = Date.now();
    expect((await argosy(['placement', 'list', '--at', '-10m'])).out).toMatch(/^web +h1 +3/m);
    const { at } = asked('placement.list')[0]?.query as { at: number };
    expect(Math.abs(at - (before - 600_000))).toBeLessThan(10_000);
  });

  test('the console: its end, a line typed on it, and what follows', async () => {
    expect((await argosy(['guest', 'console', 'web'])).out).toBe(cli.fleet.consoleText);
    const typed = await argosy(['guest', 'console', 'web', '--write', 'stats', '--for', '1500ms']);
    expect(typed).toMatchObject({ status: 0, out: 'answer to stats\r\n' });
  });
});

describe('destroying', () => {
  test('nothing is destroyed unasked', async () => {
    const refused = await argosy(['guest', 'delete', 'db']);
    expect(refused.status).toBe(2);
    expect(refused.err).toContain(
      'This would remove guest db and delete its disk, and nobody can be asked here. [unconfirmed]\n        Add --yes',
    );
    expect(asked('guest.remove')).toEqual([]);
    expect(await argosy(['guest', 'delete', 'db', '--yes'])).toMatchObject({
      status: 0,
      out: 'Guest db is removed.\n',
    });
    for (const args of [
      ['host', 'fence', 'h1'],
      ['host', 'delete', 'h1'],
      ['pool', 'delete', 'lab'],
      ['guest', 'stop', 'web', '--force'],
    ]) {
      expect((await argosy(args)).status).toBe(2);
    }
  });

  test('on a terminal it asks for the name', async () => {
    const wrong = await argosy(['guest', 'delete', 'db'], { typed: ['web'] });
    expect(wrong).toMatchObject({ status: 2, err: expect.stringContaining('Type db to go on: ') as string });
    expect(cli.fleet.guests.has('db')).toBe(true);
    expect((await argosy(['guest', 'delete', 'db'], { typed: ['db'] })).status).toBe(0);
    expect(cli.fleet.guests.has('db')).toBe(false);
  });

  test('a roll shows its rounds before it asks, and nothing is begun unless the answer is right', async () => {
    cli.server.handlers = { ...cli.server.handlers, 'pool.roll': () => aRoll([...cli.fleet.hosts.values()]) };
    const roll = ['pool', 'roll', 'lab', '--command', 'upgrade'];
    const environment = { NO_COLOR: '1' };
    const wrong = await argosy(roll, { typed: ['no'], environment });
    expect(wrong.status).toBe(2);
    expect(wrong.out).toMatch(/^ROUND +HOST .*\n +1 +h1 .*\n +2 +h2 /);
    expect(asked('pool.roll').map(({ body }) => body)).toEqual([{ command: 'upgrade', planOnly: true }]);
    const right = await argosy(roll, { typed: ['lab'], environment });
    expect(right).toMatchObject({ status: 0, out: expect.stringContaining('Pool lab is being rolled') as string });
    expect(asked('pool.roll').at(-1)?.body).toEqual({ command: 'upgrade', planOnly: false });
    expect((await argosy([...roll, '--yes'])).out).not.toContain('ROUND');
  });
});

describe('errors', () => {
  test.each([
    [['guest', 'show', 'nobody'], 5, 'There is no guest "nobody". Known: web, db. [unknown-guest]'],
    [['guest', 'migrate', 'web', '--to', 'h1'], 1, 'web runs on h1 already. [same-host]'],
    [['guest', 'create', 'web', '--image', 'tiny'], 1, 'There is a guest web already. [name-taken]'],
    [['guest', 'create', 'Web', '--image', 'tiny'], 2, 'name must be 1 to 63 lower-case letters'],
    [['guest', 'list', '--token', 'wrong'], 4, 'The token is missing or wrong. [unauthenticated]'],
    [
      ['guest', 'list', '--server', 'http://127.0.0.1:59999'],
      3,
      'Nothing answers at http://127.0.0.1:59999 (ECONNREFUSED)',
    ],
    [['guest', 'list', '--server', 'http://a b'], 2, 'the server must be a URL'],
    [['drill', 'show', 'feed'], 5, 'There is no drill feed. [unknown-drill]'],
    [['guest', 'mirgate', 'web'], 2, 'Did you mean "migrate"?'],
    [['guest', 'migrate', 'web', '--two', 'h2'], 2, 'Did you mean "--to"?'],
    [['guest', 'list', '-o', 'jsn'], 2, 'Did you mean "json"?'],
    [['guest', 'create', 'x', '--image', 'tiny', '--memory', 'much'], 2, '--memory must be a size in whole MiB'],
    [['drill', 'run', 'host-loss'], 2, 'needs --host <host>'],
    [['drill', 'run', 'host-loss', '--host', 'h2', '--objective', 'detct=3'], 2, 'Did you mean "detect"?'],
    [['sim', 'run', 'nowhere.txt'], 5, 'nowhere.txt cannot be read (ENOENT)'],
  ])('%j ends with %i', async (args, status, sentence) => {
    const ended = await argosy(args);
    expect(ended.err).toContain(sentence);
    expect(ended.err).not.toContain('    at ');
    expect(ended).toMatchObject({ status, out: '' });
  });

  test('another that leads is followed, and what was asked is done there', async () => {
    const follower = await FleetServer.start({
      'guest.start': () => {
        throw new Refused('not-leader', 'This controller does not lead.', { leaderUrl: cli.server.url });
      },
    });
    const ended = await argosy(['guest', 'start', 'db'], { environment: { ARGOSY_URL: follower.url } });
    follower.stop();
    expect(ended.status).toBe(0);
    expect(asked('guest.start')).toHaveLength(1);
  });

  test('where nobody leads for a moment, it waits', async () => {
    let refusals = 3;
    cli.server.handlers['whoami'] = () => {
      if (refusals-- > 0) throw new Refused('not-leader', 'Nobody leads.', { leaderUrl: null });
      return { name: 'admin', role: 'viewer', tokenId: 't' };
    };
    expect((await argosy(['whoami'])).out).toMatch(/ROLE +viewer/);
  });

  test('something else than a controller is said to be that', async () => {
    const web = createServer((socket) => {
      // What nobody reads keeps the connection, and with it this process.
      socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as { port: number };
    const ended = await argosy(['guest', 'list'], { environment: { ARGOSY_URL: `127.0.0.1:${port}` } });
    web.close();
    expect(ended).toMatchObject({ status: 3, err: expect.stringContaining('is not an Argosy controller') as string });
  });
});

describe('watching', () => {
  test('a list goes on with the rows that change, until Ctrl-C', async () => {
    const running = argosy(['guest', 'list', '--watch', '-o', 'name'], {
      interruptAt: /guest\/db\n(.*\n)*guest\/db\n/,
    });
    let epoch = 10;
    const change = setInterval(() => {
      const row = aGuest('db', { state: 'starting', epoch: epoch++ });
      cli.fleet.guests.set('db', row);
      cli.server.push({ kind: 'put', entity: 'guest', row });
    }, 200);
    const { status, out } = await running;
    clearInterval(change);
    expect(status).toBe(0);
    expect(out).toBe('guest/web\nguest/db\nguest/db\n');
  });

  test('top draws the screen, draws only what changes, and q leaves the terminal as it was', async () => {
    const push = setTimeout(() => cli.server.push({ kind: 'put', entity: 'guest', row: aGuest('late') }), 600);
    const { status, out } = await argosy(['top'], { keys: ['x', 'q'] });
    clearTimeout(push);
    expect(status).toBe(0);
    expect(out.startsWith('\x1b[?1049h\x1b[?25l')).toBe(true);
    expect(out.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
    expect(out).toContain('late');
    // The heading has the time and is drawn often; a host's line is drawn when it comes, and when the table changes.
    expect(out.split('fenced').length - 1).toBeLessThanOrEqual(2);
  });

  test('progress is shown on a terminal only', async () => {
    const options = ['guest', 'start', 'db', '--wait'];
    expect((await argosy(options)).err).toBe('');
    cli.fleet.guests.set('db', aGuest('db', { state: 'stopped', desired: 'stopped' }));
    expect((await argosy(options, { typed: [] })).err).toContain('waiting for db to be running');
  });
});
