/** The smallest first, by a figure that the item has when it is put in. */
export class Heap<Item> {
  private readonly items: Item[] = [];
  private readonly keys: number[] = [];

  get size(): number {
    return this.items.length;
  }

  get firstKey(): number {
    return this.keys[0] ?? Infinity;
  }

  push(key: number, item: Item): void {
    let at = this.items.length;
    this.items.push(item);
    this.keys.push(key);
    while (at > 0) {
      const above = (at - 1) >>> 1;
      if (this.keys[above]! <= key) break;
      this.set(at, this.keys[above]!, this.items[above]!);
      at = above;
    }
    this.set(at, key, item);
  }

  pop(): Item | undefined {
    const first = this.items[0];
    const key = this.keys.pop();
    const item = this.items.pop();
    if (this.items.length > 0) this.sink(key!, item!);
    return first;
  }

  private sink(key: number, item: Item): void {
    const { length } = this.items;
    let at = 0;
    for (let below = 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && this.keys[below + 1]! < this.keys[below]!) below++;
      if (this.keys[below]! >= key) break;
      this.set(at, this.keys[below]!, this.items[below]!);
      at = below;
    }
    this.set(at, key, item);
  }

  private set(at: number, key: number, item: Item): void {
    this.keys[at] = key;
    this.items[at] = item;
  }
}
