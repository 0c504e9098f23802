/** Who has which part of something that is numbered: the allocator's record of pages, and of sectors. */
export class Extents {
  /** In order, and never side by side. */
  private free: { readonly first: number; readonly count: number }[];

  constructor(count: number) {
    this.free = count > 0 ? [{ first: 0, count }] : [];
  }

  get freeCount(): number {
    return this.free.reduce((sum, { count }) => sum + count, 0);
  }

  get largestFree(): number {
    return this.free.reduce((most, { count }) => Math.max(most, count), 0);
  }

  /** The first place where so many are free side by side. */
  take(count: number): number | undefined {
    const index = this.free.findIndex((extent) => extent.count >= count);
    if (index === -1) return undefined;
    const { first, count: found } = this.free[index]!;
    this.free.splice(index, 1, ...(found > count ? [{ first: first + count, count: found - count }] : []));
    return first;
  }

  give(first: number, count: number): void {
    const sorted = [...this.free, { first, count }].sort((one, other) => one.first - other.first);
    this.free = [];
    for (const extent of sorted) {
      const last = this.free.at(-1);
      if (last !== undefined && last.first + last.count === extent.first)
        this.free[this.free.length - 1] = { first: last.first, count: last.count + extent.count };
      else this.free.push(extent);
    }
  }
}
