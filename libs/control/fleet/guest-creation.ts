import type { Guest } from '@argosy/domain/entities';
import type { FleetRequest, NewGuest } from '@argosy/domain/fleet-request';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { cloneGuest } from './clones';
import { powerGuest } from './guest-requests';
import { misfit, newGuest, nextAddress, undoCreation } from './guest-rows';
import { find, nameTaken } from './lookup';
import { type FleetTurn, put, record } from './turn';

type Of<Kind extends FleetRequest['kind']> = Extract<FleetRequest, { kind: Kind }>;

export function createGuest(turn: FleetTurn, { guest: wanted }: Of<'guest.create'>): Result<Guest> {
  const pool = find(turn, 'pool', wanted.pool);
  if (!pool.ok) return pool;
  const chosen = originOf(wanted);
  if (!chosen.ok) return chosen;
  if (chosen.value.template !== undefined) return createFromTemplate(turn, wanted, chosen.value.template);
  const image = find(turn, 'image', chosen.value.image);
  if (!image.ok) return image;
  const free = nameTaken(turn, 'guest', wanted.name);
  if (!free.ok) return free;
  const address = nextAddress(turn, pool.value);
  if (!address.ok) return address;
  const datastore = find(turn, 'datastore', wanted.datastore ?? image.value.datastoreId);
  if (!datastore.ok) return datastore;
  const guest = newGuest(turn, wanted, {
    pool: pool.value,
    image: image.value,
    datastoreId: datastore.value.id,
    address: address.value,
  });
  const fault = misfit(turn, guest, image.value);
  if (!fault.ok) return fault;
  put(turn, 'guest', guest);
  turn.fleet.addresses.add(guest.address);
  record(turn, {
    code: 'guest-created',
    subject: ['guest', guest.id],
    message: `Guest ${guest.name}: ${guest.vcpus} vCPU, ${guest.memoryMiB} MiB, from image ${image.value.name}, at ${guest.address}.`,
  });
  if (!wanted.start) return accepted(guest);
  const started = powerGuest(turn, { kind: 'guest.power', guest: guest.id, desired: 'running' });
  // Half done is not done: a guest that cannot be started now is not made either.
  if (!started.ok) undoCreation(turn, guest);
  return started;
}

type Origin =
  { readonly image: string; readonly template?: undefined } | { readonly template: string; readonly image?: undefined };

function originOf({ name, image, template, full }: NewGuest): Result<Origin> {
  if (image !== undefined && template === undefined && full !== true) return accepted({ image });
  if (template !== undefined && image === undefined) return accepted({ template });
  if (template === undefined && image === undefined)
    return refused('invalid-request', `Say what ${name} is made from: an image, or a template.`);
  return refused(
    'invalid-request',
    template === undefined
      ? `${name} is made from an image, so its disk is its own: full speaks of a template.`
      : `${name} is made from an image or from a template, and not from both.`,
  );
}

function createFromTemplate(turn: FleetTurn, wanted: NewGuest, template: string): Result<Guest> {
  const found = find(turn, 'guest', template);
  if (!found.ok) return found;
  const { name } = found.value;
  if (!found.value.isTemplate)
    return refused(
      'invalid-request',
      `${name} is no template. Make it one (argosy guest template ${name}), or clone it as it is (argosy guest clone ${name} ${wanted.name}).`,
    );
  if (wanted.diskMiB !== undefined)
    return refused('invalid-request', `The disk of ${wanted.name} is as large as that of ${name}; leave its size out.`);
  const { image: _image, template: _template, full, diskMiB: _diskMiB, ...settings } = wanted;
  return cloneGuest(turn, {
    kind: 'guest.clone',
    guest: found.value.id,
    clone: { ...settings, linked: full !== true },
  });
}
