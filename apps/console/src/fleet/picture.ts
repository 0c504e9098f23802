/** Where everything stands in the picture of the fleet: pools below each other, hosts as cells, guests as marks in them. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PoolBox extends Box {
  readonly id: string;
  readonly name: string;
  readonly hostIds: readonly string[];
}

export interface Picture {
  readonly pools: readonly PoolBox[];
  readonly hosts: ReadonlyMap<string, Box>;
  readonly height: number;
}

export interface PooledHosts {
  readonly id: string;
  readonly name: string;
  readonly hostIds: readonly string[];
}

const titleHeight = 26;
const poolGap = 14;
const largestCell = { width: 260, height: 150 };
const smallestCell = { width: 18, height: 14 };
/** Cells are this much wider than high. */
const shape = largestCell.width / largestCell.height;

/** How wide a cell may be for all hosts to be seen at once in that room; too many of them make it higher. */
function cellWidth(pools: readonly PooledHosts[], width: number, height: number): number {
  const rowsAt = (cell: number) => {
    const columns = Math.max(1, Math.floor(width / cell));
    return pools.reduce((rows, { hostIds }) => rows + Math.ceil(hostIds.length / columns), 0);
  };
  const room = height - pools.length * (titleHeight + poolGap);
  let [low, high] = [smallestCell.width, Math.min(largestCell.width, width)];
  if (low >= high) return Math.max(1, high);
  for (let step = 0; step < 20; step++) {
    const middle = (low + high) / 2;
    if ((rowsAt(middle) * middle) / shape <= room) low = middle;
    else high = middle;
  }
  return low;
}

export function layOut(pools: readonly PooledHosts[], width: number, height: number): Picture {
  const cell = cellWidth(pools, width, height);
  const columns = Math.max(1, Math.floor(width / cell));
  const cellHeight = Math.max(smallestCell.height, cell / shape);
  const gap = cell > 60 ? 8 : cell > 30 ? 4 : 2;
  const hosts = new Map<string, Box>();
  const boxes: PoolBox[] = [];
  let y = 0;
  for (const { id, name, hostIds } of pools) {
    const top = y;
    y += titleHeight;
    hostIds.forEach((hostId, index) =>
      hosts.set(hostId, {
        x: (index % columns) * cell,
        y: y + Math.floor(index / columns) * cellHeight,
        width: cell - gap,
        height: cellHeight - gap,
      }),
    );
    y += Math.max(1, Math.ceil(hostIds.length / columns)) * cellHeight;
    boxes.push({ id, name, hostIds, x: 0, y: top, width, height: y - top });
    y += poolGap;
  }
  return { pools: boxes, hosts, height: Math.max(0, y - poolGap) };
}

/** The marks of so many guests in a cell: squares in rows, as large as fits. In a small cell they are few pixels each. */
export function marksIn(box: Box, count: number): readonly Box[] {
  if (count === 0) return [];
  const titled = box.height > 60;
  const inner = {
    x: box.x + 6,
    y: box.y + (titled ? 30 : 3),
    width: box.width - 12,
    height: box.height - (titled ? 42 : 6),
  };
  if (!titled) Object.assign(inner, { x: box.x + 2, width: box.width - 4 });
  let size = Math.min(titled ? 22 : 6, inner.height);
  while (size > 1 && Math.floor(inner.width / size) * Math.floor(inner.height / size) < count) size -= 0.5;
  const columns = Math.max(1, Math.floor(inner.width / size));
  return Array.from({ length: count }, (_, index) => ({
    x: inner.x + (index % columns) * size,
    y: inner.y + Math.floor(index / columns) * size,
    width: Math.max(1, size - (size > 4 ? 3 : 0.5)),
    height: Math.max(1, size - (size > 4 ? 3 : 0.5)),
  }));
}

export const holds = (box: Box, x: number, y: number): boolean =>
  x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;

/** From one cell to another, `share` of the way: a little above the straight line, so that there and back differ. */
export function between(from: Box, to: Box, share: number): { readonly x: number; readonly y: number } {
  const [x1, y1, x2, y2] = [
    from.x + from.width / 2,
    from.y + from.height / 2,
    to.x + to.width / 2,
    to.y + to.height / 2,
  ];
  const [nx, ny] = [y2 - y1, x1 - x2];
  const bow = 0.18 * 4 * share * (1 - share);
  return { x: x1 + (x2 - x1) * share + nx * bow, y: y1 + (y2 - y1) * share + ny * bow };
}
