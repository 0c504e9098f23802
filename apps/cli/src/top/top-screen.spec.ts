import type { GuestView as Guest } from '@argosy/contracts/responses';
import type { Host, Migration } from '@argosy/domain/entities';
import { FleetView } from './fleet-view';
import { bar, redraw, topLines } from './top-screen';

const now = 1_000_000;

function view(): FleetView {
  const fleet = new FleetView();
  for (const name of ['h1', 'h2', 'h10']) {
    const host = {
      id: name,
      name,
      state: 'online',
      maintenance: 'none',
      capacity: { cpuMillicores: 500, memoryMiB: 1024 },
    };
    fleet.hosts.set(name, host as unknown as Host);
  }
  for (let index = 1; index <= 30; index++) {
    const guest = { id: `g${index}`, name: `g${index}`, state: 'running', hostId: 'h1', epoch: 1, memoryMiB: 32 };
    fleet.guests.set(guest.id, guest as unknown as Guest);
  }
  fleet.usages.set('h1', {
    hostId: 'h1',
    heardAt: now,
    capacity: { cpuMillicores: 500, memoryMiB: 1024 },
    cpuMillicores: 250,
    guests: [],
  });
  fleet.migrations.set('m', {
    id: 'm', guestId: 'g1', sourceHostId: 'h1', targetHostId: 'h2', step: 'copy', createdAt: now, endedAt: null,
    progress: { totalBytes: 100, remainingBytes: 50, bytesPerSecond: 1e6, dirtyBytesPerSecond: 0, expectedEndMs: 500 },
  } as unknown as Migration); // prettier-ignore
  fleet.events = Array.from({ length: 20 }, (_, index) => ({
    at: now - index,
    severity: 'information',
    message: `event ${index}`,
  }));
  return fleet;
}
const draw = (columns: number, rows: number) =>
  topLines(view(), 'argosy', { now, size: { columns, rows, useColour: false } });

test.each([
  [80, 24],
  [120, 40],
  [40, 12],
  [20, 5],
])('it fits %i by %i', (columns, rows) => {
  const lines = draw(columns, rows);
  expect(lines.length).toBeLessThanOrEqual(rows);
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
});

test('hosts by number, guests as many as there is room for, migrations with their progress, the newest events', () => {
  const text = draw(120, 30).join('\n');
  expect(text.match(/^h\d+/gm)).toEqual(['h1', 'h2', 'h10']);
  expect(text).toMatch(/h1 +online +█+·+ +50% +250m\/500m/);
  expect(text).toMatch(/g1 {2}h1 → h2 {2}█{10}·{10} {2}copy {2}50%/);
  expect(text).toMatch(/… and \d+ more/);
  expect(text).toContain('event 0');
});

test('a bar is never longer than its room', () => {
  expect([bar(-1, 4), bar(0.5, 4), bar(7, 4)]).toEqual(['····', '██··', '████']);
});

test('only what changed is drawn', () => {
  expect(redraw(['a', 'b', 'c'], ['a', 'x'])).toBe('\x1b[2;1Hx\x1b[K\x1b[3;1H\x1b[K');
  expect(redraw(['a'], ['a'])).toBe('');
});

test('what the stream says while a snapshot is read is applied after it', async () => {
  const fleet = new FleetView();
  let answer: (rows: unknown[]) => void = () => undefined;
  const slow = new Promise<unknown[]>((resolve) => (answer = resolve));
  const reading = fleet.read({ list: () => slow } as never);
  fleet.take({ id: '1', kind: 'put', entity: 'host', row: { id: 'h1', name: 'h1', state: 'fenced' } } as never);
  answer([]);
  await reading;
  expect(fleet.hosts.get('h1')?.state).toBe('fenced');
});
