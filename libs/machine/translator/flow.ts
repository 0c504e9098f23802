import type { Region } from './region';

/**
 * The shape of a region's control flow, as WebAssembly can say it: only loops and blocks to leave. After N. Ramsey, "Beyond
 * Relooper: recursive translation of unstructured control flow to structured control flow" (ICFP 2022), for which the flow has
 * to be reducible: an edge back goes to a block that every way to it leads through. What is not so goes through the
 * dispatcher, as jumps through registers do: it is the root, looks at `pc`, and goes on at an entry.
 */
export interface Flow {
  /** Addresses that the dispatcher knows, in order. */
  readonly entries: readonly number[];
  readonly isLoop: (pc: number) => boolean;
  readonly isMerge: (pc: number) => boolean;
  /** Merges that all ways lead to through this block, the last in order first. */
  readonly mergesBelow: (pc: number | Root) => readonly number[];
  /** back: to a loop around it. forward: to what comes later. dispatch: by way of the dispatcher. */
  readonly edge: (from: number, to: number) => 'back' | 'forward' | 'dispatch';
  /** In order: each block after those that go forward to it. */
  readonly order: readonly number[];
  readonly successors: (pc: number) => readonly number[];
}

export const root = 'root';
export type Root = typeof root;
type Node = number | Root;

export function successorsOf(region: Region, pc: number): number[] {
  const { taken, next } = region.blocks.get(pc)!;
  return [taken, next].filter((each): each is number => each !== undefined && region.blocks.has(each));
}

type Edges = ReadonlyMap<Node, readonly Node[]>;

function reversePostorder(edges: Edges): Node[] {
  const seen = new Set<Node>([root]);
  const order: Node[] = [];
  const stack: { readonly node: Node; at: number }[] = [{ node: root, at: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const next = edges.get(top.node)![top.at++];
    if (next === undefined) order.push(stack.pop()!.node);
    else if (!seen.has(next)) {
      seen.add(next);
      stack.push({ node: next, at: 0 });
    }
  }
  return order.reverse();
}

/** After Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm" (2001). */
function dominatorsOf(order: readonly Node[], edges: Edges): Map<Node, Node> {
  const place = new Map(order.map((node, index) => [node, index]));
  const above = new Map<Node, Node[]>(order.map((node) => [node, []]));
  for (const node of order) for (const next of edges.get(node)!) above.get(next)!.push(node);
  const dominators = new Map<Node, Node>([[root, root]]);
  const meet = (one: Node, other: Node): Node => {
    let [a, b] = [one, other];
    while (a !== b) if (place.get(a)! > place.get(b)!) a = dominators.get(a)!; else b = dominators.get(b)!; // prettier-ignore
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const node of order.slice(1)) {
      const found = above
        .get(node)!
        .filter((each) => dominators.has(each))
        .reduce(meet);
      if (dominators.get(node) === found) continue;
      dominators.set(node, found);
      changed = true;
    }
  }
  return dominators;
}

/** All that is known of the flow once some targets are entries of the dispatcher, and edges to them are taken out. */
class Attempt {
  readonly order: Node[];
  readonly place: ReadonlyMap<Node, number>;
  readonly dominators: ReadonlyMap<Node, Node>;
  readonly edges: Edges;

  constructor(region: Region, entries: ReadonlySet<number>, dispatched: ReadonlySet<string>) {
    const edges = new Map<Node, Node[]>([[root, [...entries]]]);
    for (const pc of region.blocks.keys())
      edges.set(
        pc,
        successorsOf(region, pc).filter((next) => !dispatched.has(edgeName(pc, next))),
      );
    this.edges = edges;
    this.order = reversePostorder(edges);
    this.place = new Map(this.order.map((node, index) => [node, index]));
    this.dominators = dominatorsOf(this.order, edges);
  }

  isBack(from: Node, to: Node): boolean {
    return this.place.get(from)! >= this.place.get(to)!;
  }

  dominates(above: Node, below: Node): boolean {
    let at = below;
    while (at !== root && at !== above) at = this.dominators.get(at)!;
    return at === above;
  }

  get irreducible(): (readonly [number, number])[] {
    return this.order.flatMap((from) =>
      this.edges
        .get(from)!
        .filter((to) => from !== root && to !== root && this.isBack(from, to) && !this.dominates(to, from))
        .map((to) => [from as number, to as number] as const),
    );
  }
}

function edgeName(from: number, to: number): string {
  return `${from} ${to}`;
}

export function flowOf(region: Region): Flow {
  const entries = new Set([region.start, ...region.returns]);
  const dispatched = new Set<string>();
  let attempt = new Attempt(region, entries, dispatched);
  for (let edges = attempt.irreducible; edges.length > 0; edges = attempt.irreducible) {
    for (const [from, to] of edges) {
      entries.add(to);
      dispatched.add(edgeName(from, to));
    }
    attempt = new Attempt(region, entries, dispatched);
  }
  const loops = new Set<Node>();
  const forward = new Map<Node, number>();
  for (const [from, targets] of attempt.edges)
    for (const to of targets)
      if (attempt.place.has(from) && attempt.isBack(from, to)) loops.add(to);
      else if (attempt.place.has(from)) forward.set(to, (forward.get(to) ?? 0) + 1);
  const isMerge = (pc: Node) => (forward.get(pc) ?? 0) > 1;
  const below = new Map<Node, number[]>();
  for (const node of attempt.order)
    if (node !== root && isMerge(node)) {
      const above = attempt.dominators.get(node)!;
      below.set(above, [node, ...(below.get(above) ?? [])]);
    }
  return {
    entries: [...entries].sort((one, other) => (one >>> 0) - (other >>> 0)),
    isLoop: (pc) => loops.has(pc),
    isMerge,
    mergesBelow: (pc) => below.get(pc) ?? [],
    edge: (from, to) =>
      dispatched.has(edgeName(from, to)) ? 'dispatch' : attempt.isBack(from, to) ? 'back' : 'forward',
    order: attempt.order.filter((node) => node !== root),
    successors: (pc) => successorsOf(region, pc),
  };
}
