/** The links between hosts. What is cut one way loses what is sent that way; a stream needs both. */
export class ModelNetwork {
  /** What any pair of hosts has when nothing slower is said of it. */
  linkMiBPerSecond = 1200;
  private readonly cuts = new Set<string>();
  private readonly slow = new Map<string, number>();

  cut(one: string, other: string): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  cutOneWay(from: string, to: string): void {
    this.cuts.add(`${from} ${to}`);
  }

  heal(one: string, other: string): void {
    for (const way of [`${one} ${other}`, `${other} ${one}`]) this.cuts.delete(way);
    this.slow.delete(pairOf(one, other));
  }

  slowDown(one: string, other: string, mibPerSecond: number): void {
    this.slow.set(pairOf(one, other), mibPerSecond);
  }

  carries(from: string, to: string): boolean {
    return !this.cuts.has(`${from} ${to}`);
  }

  connected(one: string, other: string): boolean {
    return this.carries(one, other) && this.carries(other, one);
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
