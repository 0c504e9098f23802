import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { useCli } from './cli-bench';
import { Refused, token } from './fleet-server';
import { aDatastore } from './sample-fleet';

jest.setTimeout(60_000);

const cli = useCli();
const { argosy, asked } = cli;

describe('finding the server', () => {
  const environment = { ARGOSY_URL: '', ARGOSY_TOKEN: '' };

  test('none: it says how to start or name one', async () => {
    expect(await argosy(['guest', 'list'], { environment, folder: cli.scratch })).toMatchObject({
      status: 3,
      err: expect.stringContaining('npm start') as string,
    });
  });

  test('the lab of this folder or one above it', async () => {
    mkdirSync(join(cli.scratch, '.argosy/controller'), { recursive: true });
    mkdirSync(join(cli.scratch, 'deep/er'), { recursive: true });
    writeFileSync(join(cli.scratch, '.argosy/launcher.json'), JSON.stringify({ pid: 1, url: cli.server.url }));
    writeFileSync(join(cli.scratch, '.argosy/controller/token'), `${token}\n`);
    expect((await argosy(['whoami'], { environment, folder: join(cli.scratch, 'deep/er') })).status).toBe(0);
    expect((await argosy(['whoami', '--lab', '.argosy'], { environment, folder: cli.scratch })).status).toBe(0);
    // Its token is for its own address only.
    expect(
      (
        await argosy(['whoami', '--server', cli.server.url.replace('127.0.0.1', 'localhost')], {
          environment,
          folder: cli.scratch,
        })
      ).status,
    ).toBe(4);
  });

  test('the config file', async () => {
    mkdirSync(join(cli.scratch, 'argosy'));
    const config = join(cli.scratch, 'argosy/config.json');
    writeFileSync(join(cli.scratch, 'argosy/mine.token'), token);
    writeFileSync(config, JSON.stringify({ server: cli.server.url, tokenFile: 'mine.token' }));
    const withConfig = { ...environment, XDG_CONFIG_HOME: cli.scratch };
    expect((await argosy(['whoami'], { environment: withConfig })).status).toBe(0);
    writeFileSync(config, '{"sever": "x"}');
    expect(await argosy(['whoami'], { environment: withConfig })).toMatchObject({
      status: 2,
      err: expect.stringContaining('"sever" is not known') as string,
    });
    writeFileSync(config, '{');
    expect(await argosy(['whoami'], { environment: withConfig })).toMatchObject({
      status: 2,
      err: expect.stringContaining('is not a JSON object') as string,
    });
  });
});

describe('images', () => {
  const image = (name: string) => join(cli.scratch, name);
  beforeEach(() => {
    mkdirSync(image('store'));
    cli.fleet.datastores.push(aDatastore('store', image('store')));
  });

  test('a sound qcow2 is copied and registered', async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image('Debian 12.qcow2'), '8M']);
    const { status, err } = await argosy([
      'image',
      'import',
      image('Debian 12.qcow2'),
      '--firmware',
      'uefi',
      '--least-memory',
      '256M',
    ]);
    expect({ status, err }).toMatchObject({ status: 0 });
    const diskPath = image('store/images/debian-12.qcow2');
    expect(asked('image.create')[0]?.body).toEqual({
      name: 'debian-12',
      format: 'qcow2',
      firmware: 'uefi',
      diskPath,
      datastore: 'store-1',
      minimumMemoryMiB: 256,
    });
    expect(readdirSync(image('store/images'))).toEqual(['debian-12.qcow2']);
  });

  test('a raw disk with a boot sector is copied; a name that is taken is refused before anything is copied', async () => {
    const sector = Buffer.alloc(1 << 20);
    sector.writeUInt16LE(0xaa55, 510);
    writeFileSync(image('disk.img'), sector);
    expect(await argosy(['image', 'import', image('disk.img')])).toMatchObject({
      status: 0,
      err: expect.not.stringContaining('Warning') as string,
    });
    expect(await argosy(['image', 'import', image('disk.img')])).toMatchObject({
      status: 1,
      err: expect.stringContaining('[name-taken]') as string,
    });
  });

  test('a refusal of the server leaves no file behind', async () => {
    writeFileSync(image('disk.img'), Buffer.alloc(1 << 20));
    cli.server.handlers['image.create'] = () => {
      throw new Refused('name-taken', 'Somebody was faster.');
    };
    expect((await argosy(['image', 'import', image('disk.img')])).status).toBe(1);
    expect(readdirSync(image('store/images'))).toEqual([]);
  });

  test('what is no sound image is refused with the reason', async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image('cut.qcow2'), '8M']);
    truncateSync(image('cut.qcow2'), 60);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image('base.qcow2'), '8M']);
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      image('base.qcow2'),
      '-F',
      'qcow2',
      image('overlay.qcow2'),
    ]);
    execFileSync('qemu-img', ['create', '-q', '-f', 'vmdk', image('other.vmdk'), '8M']);
    writeFileSync(image('text.qcow2'), 'not an image at all');
    writeFileSync(image('odd.img'), Buffer.alloc(1000));
    writeFileSync(image('empty.raw'), '');
    const refusals: readonly (readonly [string, string])[] = [
      ['cut.qcow2', '[image-corrupt]'],
      ['text.qcow2', 'does not begin like one. [image-corrupt]'],
      ['odd.img', 'multiple of 512 bytes long, and this has 1000. [image-corrupt]'],
      ['empty.raw', 'it is empty. [image-corrupt]'],
      ['overlay.qcow2', 'is not whole: it needs'],
      ['other.vmdk', 'qemu-img convert -O qcow2'],
    ];
    for (const [file, sentence] of refusals) {
      const ended = await argosy(['image', 'import', image(file)]);
      expect(ended.err).toContain(sentence);
      expect(ended.status).toBe(1);
    }
    expect((await argosy(['image', 'import', image('missing.qcow2')])).status).toBe(5);
    expect(asked('image.create')).toEqual([]);
    expect(existsSync(image('store/images'))).toBe(false);
  });
});

describe('the lab and the simulator', () => {
  test("a host's power goes through its chassis' socket", async () => {
    const socket = join(cli.scratch, 'power.sock');
    const requests: string[] = [];
    const power: Server = createServer((connection) => {
      connection.on('data', (data) => {
        const request = JSON.parse(data.toString()) as { id: number; op: string };
        requests.push(request.op);
        connection.write(
          `${JSON.stringify({ id: request.id, ok: true, power: request.op === 'off' ? 'off' : 'on', processes: 4, confirmedInMs: 38 })}\n`,
        );
      });
    });
    await new Promise<void>((resolve) => power.listen(socket, resolve));
    writeFileSync(
      join(cli.scratch, 'lab.json'),
      JSON.stringify({
        datastore: cli.scratch,
        hosts: [
          { host: 'h1', socket },
          { host: 'h2', socket: join(cli.scratch, 'none.sock') },
        ],
      }),
    );
    const lab = (...args: string[]) => argosy(['lab', 'power', ...args, '--lab', cli.scratch]);
    const status = await lab('status');
    expect(status.out).toMatch(/^h1 +on +4/m);
    expect(status.out).toMatch(/^h2 +unknown/m);
    expect((await lab('off', 'h1')).status).toBe(2);
    expect(await lab('off', 'h1', '--yes')).toMatchObject({ status: 0, out: 'Host h1 is off, confirmed in 38 ms.\n' });
    expect((await lab('on', 'h9')).status).toBe(5);
    expect((await lab('on', 'h2')).status).toBe(3);
    expect(requests).toEqual(['status', 'off']);
    power.close();
  });

  test('a scenario runs without a server', async () => {
    const scenario = join(__dirname, '../../scenarios/ha/restarts-in-priority-order');
    const { status, out } = await argosy(['sim', 'run', scenario], { environment: { ARGOSY_URL: '' } });
    expect(status).toBe(0);
    expect(out).toContain('every invariant held.');
    writeFileSync(join(cli.scratch, 'bad.txt'), 'host h1 4096\nguets web 1\nuntil 5\n');
    expect(await argosy(['sim', 'run', join(cli.scratch, 'bad.txt')])).toMatchObject({
      status: 2,
      err: expect.stringContaining('bad.txt:2:') as string,
    });
    // None is run before all are read.
    expect(await argosy(['sim', 'run', scenario, join(cli.scratch, 'bad.txt')])).toMatchObject({ status: 2, out: '' });
  });

  test('help, version and completion need no server', async () => {
    const environment = { ARGOSY_URL: '', ARGOSY_TOKEN: '' };
    expect((await argosy(['help'], { environment })).out).toContain('usage: argosy <command>');
    expect((await argosy(['guest', 'migrate', '--help'], { environment })).out).toContain(
      'argosy guest migrate web --to h2 --wait',
    );
    expect((await argosy(['version'], { environment })).out).toMatch(/^argosy \d/);
    expect((await argosy(['__complete', '--', 'guest', 'mig'], { environment })).out).toBe('migrate\n');
    expect((await argosy(['__complete', '--', 'guest', 'migrate', 'web', '--to', 'h'])).out).toBe('h1\nh2\nh3\n');
  });
});
