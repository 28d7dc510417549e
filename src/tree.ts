/**
 * A persistent ordered tree: to put something in or take it out makes another tree, which shares with the one before all
 * but the path to the place. A treap that ranks by a hash instead of by chance: as well balanced, and of one shape for one
 * content, whatever its history. So what differs between two trees is found without looking at what they share.
 */
export type Tree<T, Sum> = {
  readonly value: T;
  /** Not below those of its branches. */
  readonly rank: number;
  readonly left: Branch<T, Sum>;
  readonly right: Branch<T, Sum>;
  /** Over the value and both branches. */
  readonly sum: Sum;
};

/** Null where there is nothing. */
export type Branch<T, Sum> = Tree<T, Sum> | null;

/** What a tree is ordered and summed by. */
export type Growth<T, Sum> = {
  /** A total order: zero means the same place. */
  readonly order: (a: T, b: T) => number;
  /** The same for whatever may stand in one place: see {@link rankOf}. */
  readonly rank: (value: T) => number;
  readonly sum: (value: T, left: Sum | null, right: Sum | null) => Sum;
};

/** FNV-1a, its bits mixed once more, because keys often differ in their last character alone. */
export function rankOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The tree with a value in its place. */
export function put<T, Sum>(
  growth: Growth<T, Sum>,
  tree: Branch<T, Sum>,
  value: T,
  rank = growth.rank(value),
): Tree<T, Sum> {
  if (tree === null) return grow(growth, value, rank, null, null);
  const { left, right } = tree;
  const side = growth.order(value, tree.value);
  if (side === 0) return grow(growth, value, rank, left, right);
  if (rank > tree.rank || (rank === tree.rank && side < 0)) {
    const parted = part(growth, tree, value);
    return grow(growth, value, rank, parted.before, parted.after);
  }
  return side < 0
    ? grow(growth, tree.value, tree.rank, put(growth, left, value, rank), right)
    : grow(growth, tree.value, tree.rank, left, put(growth, right, value, rank));
}

/** The tree without what stands in a value's place; the same tree where nothing does. */
export function remove<T, Sum>(growth: Growth<T, Sum>, tree: Branch<T, Sum>, value: T): Branch<T, Sum> {
  if (tree === null) return null;
  const { left, right } = tree;
  const side = growth.order(value, tree.value);
  if (side === 0) return join(growth, left, right);
  const [from, without] =
    side < 0 ? [left, remove(growth, left, value)] : [right, remove(growth, right, value)];
  if (without === from) return tree;
  return side < 0
    ? grow(growth, tree.value, tree.rank, without, right)
    : grow(growth, tree.value, tree.rank, left, without);
}

/** The tree of values that are in order, each in a place of its own. */
export function build<T, Sum>(growth: Growth<T, Sum>, ordered: readonly T[]): Branch<T, Sum> {
  const ranks = ordered.map(growth.rank);
  const between = (start: number, end: number): Branch<T, Sum> => {
    if (start === end) return null;
    let top = start;
    for (let i = start + 1; i < end; i += 1) if (ranks[i]! > ranks[top]!) top = i;
    return grow(growth, ordered[top]!, ranks[top]!, between(start, top), between(top + 1, end));
  };
  return between(0, ordered.length);
}

/** The values in order, without branches whose sum is not worth looking into: what it gives may not be worth it either. */
export function inOrder<T, Sum>(
  tree: Branch<T, Sum>,
  isWorthIt: (sum: Sum) => boolean = () => true,
  values: T[] = [],
): T[] {
  if (tree === null || !isWorthIt(tree.sum)) return values;
  inOrder(tree.left, isWorthIt, values);
  values.push(tree.value);
  return inOrder(tree.right, isWorthIt, values);
}

/** The same one after the other as they are asked for: the first of many cost no more than the path to them. */
export class Walk<T, Sum> implements IterableIterator<T, undefined> {
  private readonly isWorthIt: (sum: Sum) => boolean;
  private readonly path: Tree<T, Sum>[] = [];

  constructor(tree: Branch<T, Sum>, isWorthIt: (sum: Sum) => boolean) {
    this.isWorthIt = isWorthIt;
    this.#descend(tree);
  }

  next(): IteratorResult<T, undefined> {
    const next = this.path.pop();
    if (next === undefined) return { done: true, value: undefined };
    this.#descend(next.right);
    return { done: false, value: next.value };
  }

  [Symbol.iterator](): this {
    return this;
  }

  #descend(tree: Branch<T, Sum>): void {
    for (let branch = tree; branch !== null && this.isWorthIt(branch.sum); branch = branch.left) {
      this.path.push(branch);
    }
  }
}

/** What several sources yield, each of them in order, in the order of all. */
export const merged = <T>(
  sources: readonly IterableIterator<T, undefined>[],
  order: (a: T, b: T) => number,
): Iterable<T> => (sources.length === 1 ? sources[0]! : mergedOf(sources, order));

function* mergedOf<T>(
  sources: readonly IterableIterator<T, undefined>[],
  order: (a: T, b: T) => number,
): Generator<T, void, undefined> {
  const heads = sources.flatMap((source) => {
    const head = source.next();
    return head.done === true ? [] : [{ source, value: head.value }];
  });
  while (heads.length > 0) {
    let first = 0;
    for (let i = 1; i < heads.length; i += 1) if (order(heads[i]!.value, heads[first]!.value) < 0) first = i;
    const { source, value } = heads[first]!;
    yield value;
    const next = source.next();
    if (next.done === true) heads.splice(first, 1);
    else heads[first] = { source, value: next.value };
  }
}

/** What a tree has in its places that is not the very thing another one has there; in order. */
export function changes<T, Sum>(
  growth: Growth<T, Sum>,
  before: Branch<T, Sum>,
  after: Branch<T, Sum>,
  told: T[] = [],
): T[] {
  if (after === null || before === after) return told;
  const parted = part(growth, before, after.value);
  changes(growth, parted.before, after.left, told);
  if (parted.there?.value !== after.value) told.push(after.value);
  return changes(growth, parted.after, after.right, told);
}

const grow = <T, Sum>(
  { sum }: Growth<T, Sum>,
  value: T,
  rank: number,
  left: Branch<T, Sum>,
  right: Branch<T, Sum>,
): Tree<T, Sum> => ({
  value,
  rank,
  left,
  right,
  sum: sum(value, left === null ? null : left.sum, right === null ? null : right.sum),
});

type Parted<T, Sum> = {
  readonly before: Branch<T, Sum>;
  readonly there: Branch<T, Sum>;
  readonly after: Branch<T, Sum>;
};

/** What stands before a value's place, there, and after it. */
function part<T, Sum>(growth: Growth<T, Sum>, tree: Branch<T, Sum>, value: T): Parted<T, Sum> {
  if (tree === null) return { before: null, there: null, after: null };
  const { left, right } = tree;
  const side = growth.order(value, tree.value);
  if (side === 0) return { before: left, there: tree, after: right };
  if (side < 0) {
    const { before, there, after } = part(growth, left, value);
    return { before, there, after: grow(growth, tree.value, tree.rank, after, right) };
  }
  const { before, there, after } = part(growth, right, value);
  return { before: grow(growth, tree.value, tree.rank, left, before), there, after };
}

/** One tree of two, of which one stands before the other. */
function join<T, Sum>(growth: Growth<T, Sum>, before: Branch<T, Sum>, after: Branch<T, Sum>): Branch<T, Sum> {
  if (before === null) return after;
  if (after === null) return before;
  return before.rank >= after.rank
    ? grow(growth, before.value, before.rank, before.left, join(growth, before.right, after))
    : grow(growth, after.value, after.rank, join(growth, before, after.left), after.right);
}
