import { drillKinds } from '@argosy/domain/drill';
import type { FleetRequest, NewClone } from '@argosy/domain/fleet-request';
import { createRandom } from './random';
import { settingOf } from './scenario-settings';
import type { Names, Words } from './scenario-words';
import type { World } from './world';

/** What happens at a moment of a scenario. */
export type Action = (world: World) => void;

/** A request's refusal belongs into the log: it is what the administrator would read. */
function ask(request: FleetRequest): Action {
  return (world) =>
    world.request('administrator', request, (result) => {
      if (!result.ok) world.note(`refused ${result.refusal.code}: ${result.refusal.message}`);
    });
}

function guestAction(words: Words, names: Names): Action {
  const name = words.known('guest', names.guests);
  const verb = words.oneOf([
    'crash',
    'panic',
    'load',
    'reserve',
    'limit',
    'dirty',
    'start',
    'stop',
    'kill',
    'pause',
    'restart',
    'remove',
    'suspend',
    'snapshot',
    'revert',
    'forget',
    'clone',
    'template',
    'guest',
    'hang',
    'thaw',
    'mute',
  ]);
  switch (verb) {
    case 'crash':
      if (words.done()) return (world) => world.copyOf(name)?.die('crashed', 'its process was killed');
      words.oneOf(['target']);
      return (world) => world.waitingCopyOf(name)?.die('crashed', 'its process was killed');
    case 'hang':
      if (words.done()) return (world) => world.copyOf(name)?.freeze();
      words.oneOf(['target']);
      return (world) => world.waitingCopyOf(name)?.freeze();
    case 'thaw':
      return (world) => {
        const { id } = world.guest(name);
        for (const instance of world.site.instances()) if (instance.id.guestId === id) instance.thaw();
      };
    case 'mute':
      return (world) => world.copyOf(name)?.consoleWrite('tick 0\n');
    case 'panic':
      return (world) => world.copyOf(name)?.consoleWrite('panic\n');
    case 'load': {
      const permille = words.number('permille of a processor');
      return (world) => world.copyOf(name)?.consoleWrite(`load ${permille}\n`);
    }
    case 'reserve': {
      const settings = { cpuReservationMillicores: words.number('millicores') };
      return ask({ kind: 'guest.update', guest: name, settings });
    }
    case 'limit': {
      const settings = { cpuLimitMillicores: words.number('millicores') };
      return ask({ kind: 'guest.update', guest: name, settings });
    }
    case 'dirty': {
      const [rate, area] = [words.number('MB/s'), words.number('the area in MiB')];
      return (world) => world.copyOf(name)?.consoleWrite(`dirty ${rate} ${area} 1\n`);
    }
    case 'start':
      return ask({ kind: 'guest.power', guest: name, desired: 'running' });
    case 'stop':
      return ask({ kind: 'guest.power', guest: name, desired: 'stopped' });
    case 'kill':
      return ask({ kind: 'guest.power', guest: name, desired: 'stopped', force: true });
    case 'pause':
      return ask({ kind: 'guest.power', guest: name, desired: 'paused' });
    case 'restart':
      return ask({ kind: 'guest.restart', guest: name });
    case 'suspend':
      return ask({ kind: 'guest.power', guest: name, desired: 'suspended' });
    case 'snapshot':
      return ask({
        kind: 'snapshot.take',
        guest: name,
        name: words.word('a name'),
        ...(words.done() ? {} : { memory: words.oneOf(['memory', 'disk']) === 'memory' }),
      });
    case 'forget':
      return ask({ kind: 'snapshot.remove', guest: name, snapshot: words.word('its name') });
    case 'revert':
      return ask({ kind: 'snapshot.revert', guest: name, snapshot: words.word('its name') });
    case 'remove':
      return ask({ kind: 'guest.remove', guest: name });
    case 'clone':
      return cloneAction(words, names, name);
    case 'template':
      return ask({ kind: 'guest.template', guest: name, isTemplate: true });
    case 'guest':
      return ask({ kind: 'guest.template', guest: name, isTemplate: false });
  }
}

function cloneAction(words: Words, names: Names, guest: string): Action {
  const clone: { -readonly [key in keyof NewClone]: NewClone[key] } = { name: words.word("the clone's name") };
  names.make(clone.name);
  while (!words.done()) {
    const property = words.oneOf(['linked', 'full', 'snapshot', 'start']);
    if (property === 'snapshot') clone.snapshot = words.word("the snapshot's name");
    else if (property === 'start') clone.start = true;
    else clone.linked = property === 'linked';
  }
  return ask({ kind: 'guest.clone', guest, clone });
}

function controllerAction(words: Words): Action {
  const verb = words.oneOf(['kill', 'pause', 'resume', 'start', 'cut', 'heal']);
  switch (verb) {
    case 'kill':
      return (world) => world.leader()?.crash();
    case 'pause':
      return (world) => world.leader()?.pause();
    case 'resume':
      return (world) =>
        world.controllers.filter((controller) => controller.paused).forEach((controller) => controller.resume());
    case 'cut':
    case 'heal': {
      const isWhole = words.done();
      if (!isWhole) words.oneOf(['datastore']);
      const fault = isWhole ? 'cutOff' : 'datastoreCut';
      return (world) => world.controllers.forEach((controller) => (controller[fault] = verb === 'cut'));
    }
    case 'start': {
      const aheadMs = words.done()
        ? 0
        : 1000 * (words.oneOf(['ahead', 'behind']) === 'ahead' ? 1 : -1) * words.number('seconds');
      return (world) => void world.addController(`controller${world.controllers.length + 1}`, aheadMs);
    }
  }
}

function linkAction(words: Words, names: Names): Action {
  const one = words.known('host', names.hosts);
  const other = words.known('host', names.hosts);
  const verb = words.oneOf(['cut', 'heal', 'slow']);
  const isOneWay = verb === 'cut' && !words.done() && words.oneOf(['one-way']) === 'one-way';
  if (isOneWay) return (world) => world.site.network.cutOneWay(one, other);
  if (verb === 'cut') return (world) => world.site.network.cut(one, other);
  if (verb === 'heal') return (world) => world.site.network.heal(one, other);
  const mibPerSecond = words.number('MiB/s');
  return (world) => world.site.network.slowDown(one, other, mibPerSecond);
}

function databaseAction(words: Words): Action {
  const verb = words.oneOf(['off', 'on', 'loses-answer', 'backup', 'restore', 'ahead', 'behind']);
  if (verb === 'backup') return (world) => world.backUp();
  if (verb === 'restore') return (world) => world.restore();
  if (verb === 'ahead' || verb === 'behind') {
    const byMs = (verb === 'ahead' ? 1000 : -1000) * words.number('seconds');
    return (world) => world.failDatabaseOver(byMs);
  }
  return (world) => {
    if (verb === 'loses-answer') world.store.lostAnswers = 1;
    else world.store.away = verb === 'off';
  };
}

function redisAction(words: Words): Action {
  const verb = words.oneOf(['off', 'on', 'empty']);
  if (verb === 'empty') return (world) => world.bus.empty();
  return (world) => world.bus.setUp(verb === 'on');
}

function fenceAction(words: Words, names: Names): Action {
  const name = words.known('host', names.hosts);
  const faults = ['refuses', 'silent', 'works'] as const;
  const device = (faults as readonly string[]).includes(words.peek() ?? '') ? null : words.word('a fence device');
  const fault = words.oneOf(faults);
  return (world) => {
    const { fenceFaults } = world.host(name);
    if (fault === 'works') fenceFaults.delete(device);
    else fenceFaults.set(device, fault);
  };
}

export const actionForms = {
  power: (words, names) => {
    const name = words.known('host', names.hosts);
    const on = words.oneOf(['on', 'off']) === 'on';
    return (world) => (on ? world.host(name).powerOn() : world.host(name).powerOff());
  },
  agent: (words, names) => {
    const name = words.known('host', names.hosts);
    words.oneOf(['kill']);
    return (world) => world.host(name).killAgent();
  },
  clock: (words, names) => {
    const name = words.known('host', names.hosts);
    const ahead = words.oneOf(['ahead', 'behind']) === 'ahead';
    const seconds = words.number('seconds');
    // An agent goes by the clock that it finds when it starts.
    return (world) => {
      world.host(name).clockAheadMs = (ahead ? 1000 : -1000) * seconds;
      world.host(name).killAgent();
    };
  },
  watchdog: (words, names) => {
    const name = words.known('host', names.hosts);
    const dies = words.oneOf(['kill', 'start']) === 'kill';
    return (world) => {
      const { watchdog, machine } = world.host(name);
      if (dies) watchdog.die();
      else if (machine.powered) watchdog.start();
    };
  },
  guest: guestAction,
  migrate: (words, names) => {
    const guest = words.known('guest', names.guests);
    return ask({ kind: 'guest.migrate', guest, host: words.known('host', names.hosts) });
  },
  cancel: (words, names) => {
    const guest = words.known('guest', names.guests);
    return (world) => {
      const migration = world.store.load()?.migrations.find((each) => each.guestId === world.guest(guest).id);
      if (migration) ask({ kind: 'migration.cancel', migration: migration.id })(world);
    };
  },
  maintenance: (words, names) => {
    const host = words.known('host', names.hosts);
    return ask({ kind: 'host.maintenance', host, enter: words.oneOf(['on', 'off']) === 'on' });
  },
  standby: (words, names) => {
    const host = words.known('host', names.hosts);
    return ask({ kind: 'host.standby', host, enter: words.oneOf(['on', 'off']) === 'on' });
  },
  isolate: (words, names) => {
    const name = words.known('host', names.hosts);
    const how = words.done() ? null : words.oneOf(['datastore', 'deaf', 'mute']);
    return (world) => {
      world.host(name).cut(how === 'deaf' || how === 'mute' ? how : 'both');
      world.host(name).datastoreCut = how === 'datastore';
    };
  },
  rejoin: (words, names) => {
    const name = words.known('host', names.hosts);
    return (world) => {
      world.host(name).cut('none');
      world.host(name).datastoreCut = false;
    };
  },
  health: (words, names) => {
    const name = words.known('host', names.hosts);
    const reason = words.oneOf(['failing', 'well']) === 'failing' ? 'the disk reports errors' : null;
    return (world) => (world.host(name).health = reason);
  },
  host: (words, names) => {
    const host = words.known('host', names.hosts);
    words.oneOf(['unquarantine']);
    return ask({ kind: 'host.update', host, settings: { quarantined: false } });
  },
  roll: (words) => {
    const command = words.word('a command, or stop');
    if (command === 'stop') return ask({ kind: 'pool.roll-stop', pool: 'main' });
    return ask({ kind: 'pool.roll', pool: 'main', command });
  },
  set: (words) => ask({ kind: 'pool.update', pool: 'main', settings: settingOf(words) }),
  balance: () => ask({ kind: 'balance.run', pool: 'main' }),
  apply: (words) => {
    words.oneOf(['all']);
    return ask({ kind: 'recommendation.apply', recommendations: 'all', pool: 'main' });
  },
  drill: (words, names) => {
    const drill = words.oneOf(drillKinds);
    if (drill === 'guest-crash') return ask({ kind: 'drill.run', drill, guest: words.known('guest', names.guests) });
    return ask({ kind: 'drill.run', drill, host: words.known('host', names.hosts) });
  },
  controller: controllerAction,
  link: linkAction,
  database: databaseAction,
  datastore: (words) => {
    const full = words.oneOf(['full', 'roomy']) === 'full';
    return (world) => world.site.fill(full);
  },
  messages: (words) => {
    if (words.oneOf(['lossy', 'well']) === 'well') return (world) => world.bus.loseBy(null);
    const seed = words.number('a seed');
    return (world) => world.bus.loseBy(createRandom(seed));
  },
  mend: () => (world) => world.mend(),
  redis: redisAction,
  fence: fenceAction,
} as const satisfies Record<string, (words: Words, names: Names) => Action>;
