/** The links between hosts. */
export class ModelNetwork {
  /** What any pair of hosts has when nothing slower is said of it. */
  linkMiBPerSecond = 1200;
  private readonly cuts = new Set<string>();
  private readonly slow = new Map<string, number>();

  cut(one: string, other: string): void {
    this.cuts.add(pairOf(one, other));
  }

  heal(one: string, other: string): void {
    this.cuts.delete(pairOf(one, other));
    this.slow.delete(pairOf(one, other));
  }

  slowDown(one: string, other: string, mibPerSecond: number): void {
    this.slow.set(pairOf(one, other), mibPerSecond);
  }

  connected(one: string, other: string): boolean {
    return !this.cuts.has(pairOf(one, other));
  }

  /** 0 while the link is cut: TCP waits much longer than any simulated cut before it gives up. */
  mibPerSecond(one: string, other: string): number {
    if (!this.connected(one, other)) return 0;
    return this.slow.get(pairOf(one, other)) ?? this.linkMiBPerSecond;
  }
}

function pairOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
