import { inventoryOf } from './inventory-plan';
import { concernedBy, predictDrill } from './predict';

const inventory = inventoryOf({
  hosts: [
    { name: 'h1', memoryMiB: 4096 },
    { name: 'h2', memoryMiB: 4096 },
    { name: 'h3', memoryMiB: 4096 },
  ],
  guests: [
    { name: 'web', memoryMiB: 256, on: 'h2' },
    { name: 'db', memoryMiB: 256, on: 'h2' },
    { name: 'api', memoryMiB: 256, on: 'h1' },
  ],
});

test('a host loss is predicted phase by phase, and each of its guests with an outage', () => {
  const prediction = predictDrill(inventory, { kind: 'host-loss', hostId: 'h2', guestId: null, impairment: null });
  if (!prediction.ok) throw new Error(prediction.refusal.message);
  const { phases, outages } = prediction.value;
  expect(phases['detect']).toBeGreaterThan(1000);
  expect(phases['detect']).toBeLessThan(4000);
  expect(phases['fence']!).toBeGreaterThanOrEqual(phases['detect']!);
  expect(phases['alive']).toBeLessThan(5000);
  expect(outages.map((outage) => outage.guestId).sort()).toEqual(['db', 'web']);
  for (const outage of outages) expect(outage.outageMs).toBeGreaterThan(1000);
});

test('guests that have run, whose disks are elsewhere, are simulated as any others', () => {
  const fault = { kind: 'host-loss', hostId: 'h2', guestId: null, impairment: null } as const;
  const lived = { ...inventory, guests: inventory.guests.map((guest) => ({ ...guest, diskMade: true })) };
  expect(predictDrill(lived, fault)).toEqual(predictDrill(inventory, fault));
});

test('the same inventory gives the same prediction, and is not changed by it', () => {
  const before = JSON.stringify(inventory);
  const fault = { kind: 'guest-crash', hostId: null, guestId: 'api', impairment: null } as const;
  expect(predictDrill(inventory, fault)).toEqual(predictDrill(inventory, fault));
  expect(JSON.stringify(inventory)).toBe(before);
});

test('an inventory in the middle of things is simulated all the same', () => {
  const [web, db, api] = inventory.guests;
  const [h1, h2, h3] = inventory.hosts;
  const busy = {
    ...inventory,
    hosts: [h1!, { ...h2!, state: 'disconnected' as const }, { ...h3!, state: 'fenced' as const }],
    guests: [
      { ...web!, state: 'migrating' as const, epoch: 7, reservedEpoch: 8, movedAt: 1.7e12 },
      { ...db!, state: 'recovering' as const, hostId: null, epoch: 3, reservedEpoch: 3 },
      { ...api!, state: 'paused' as const, desired: 'paused' as const },
    ],
  };
  const prediction = predictDrill(busy, { kind: 'host-loss', hostId: 'h2', guestId: null, impairment: null });
  if (!prediction.ok) throw new Error(prediction.refusal.message);
  expect(prediction.value.outages).toContainEqual(expect.objectContaining({ guestId: 'web', toHostId: 'h1' }));
});

test('what the brain refuses is refused in the prediction', () => {
  const prediction = predictDrill(inventory, { kind: 'host-loss', hostId: 'nowhere', guestId: null, impairment: null });
  expect(prediction).toMatchObject({ ok: false, refusal: { code: 'unknown-host' } });
});

test('of a large fleet the part that a drill bears on is simulated, and each lost guest has its place', () => {
  const inventory = inventoryOf({
    hosts: Array.from({ length: 120 }, (_, index) => ({ name: `h${index}`, memoryMiB: index === 70 ? 4096 : 2048 })),
    guests: Array.from({ length: 1200 }, (_, index) => ({ name: `g${index}`, memoryMiB: 128, on: `h${index % 120}` })),
  });
  const fault = { kind: 'host-loss', hostId: 'h5', guestId: null, impairment: null } as const;
  const part = concernedBy(inventory, fault);
  expect(part.hosts).toHaveLength(61);
  expect(part.hosts[1]).toMatchObject({ name: 'h70', capacity: { memoryMiB: 4096 - 10 * 128 } });
  expect(part.guests.every(({ hostId }) => hostId === 'h5')).toBe(true);
  const prediction = predictDrill(inventory, fault);
  if (!prediction.ok) throw new Error(prediction.refusal.message);
  const { outages } = prediction.value;
  expect(outages.map(({ guestId }) => guestId).sort()).toEqual(part.guests.map(({ id }) => id).sort());
  expect(outages.every(({ toHostId, outageMs }) => toHostId !== null && outageMs !== null)).toBe(true);
});
