import { build, changes, inOrder, put, rankOf, remove, type Branch, type Growth } from './tree.ts';

type Entry<V> = { readonly key: string; readonly value: V };

const BY_KEY: Growth<Entry<unknown>, null> = {
  order: (a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)),
  rank: ({ key }) => rankOf(key),
  sum: () => null,
};
/** The same, whatever the values are: they decide nothing. */
const byKey = <V>(): Growth<Entry<V>, null> => BY_KEY;

const UNCHANGED: readonly [string, never][] = [];

function asked<V>(branch: Branch<Entry<V>, null>, isAsked: (value: V) => boolean, found: V[]): V[] {
  if (branch === null) return found;
  asked(branch.left, isAsked, found);
  const { value } = branch.value;
  if (isAsked(value)) found.push(value);
  return asked(branch.right, isAsked, found);
}

/**
 * A map in order of key that is never changed: with an entry more or less it is another one, which shares the rest. Both
 * to make one and to say in what it differs from another cost what differs, not what there is.
 */
export class PersistentMap<V> implements Iterable<[string, V]> {
  static readonly #empty = new PersistentMap<never>(null, 0);

  readonly size: number;
  private readonly root: Branch<Entry<V>, null>;

  private constructor(root: Branch<Entry<V>, null>, size: number) {
    this.root = root;
    this.size = size;
  }

  /** Of several entries with one key the last. */
  static of<V>(entries: Iterable<readonly [string, V]> = []): PersistentMap<V> {
    const all = [...entries];
    if (all.length === 0) return PersistentMap.#empty;
    const own = [...new Map(all)].map(([key, value]) => ({ key, value }));
    return new PersistentMap(build(byKey<V>(), own.toSorted(BY_KEY.order)), own.length);
  }

  /** The same map where it has that very value. */
  with(key: string, value: V): PersistentMap<V> {
    const before = this.#entry(key);
    if (before !== undefined && before.value === value) return this;
    const size = before === undefined ? this.size + 1 : this.size;
    return new PersistentMap(put(byKey<V>(), this.root, { key, value }), size);
  }

  without(key: string): PersistentMap<V> {
    const before = this.#entry(key);
    return before === undefined
      ? this
      : new PersistentMap(remove(byKey<V>(), this.root, before), this.size - 1);
  }

  /** What it holds that another does not, or holds another value of; in order of key. */
  changedSince(before: PersistentMap<V>): readonly [string, V][] {
    if (before.root === this.root) return UNCHANGED;
    return changes(byKey<V>(), before.root, this.root).map(({ key, value }) => [key, value]);
  }

  get(key: string): V | undefined {
    return this.#entry(key)?.value;
  }

  has(key: string): boolean {
    return this.#entry(key) !== undefined;
  }

  keys(): readonly string[] {
    return inOrder(this.root).map(({ key }) => key);
  }

  values(): readonly V[] {
    return this.valuesWhere(() => true);
  }

  /** Those values that it is asked for. */
  valuesWhere(isAsked: (value: V) => boolean): readonly V[] {
    return asked(this.root, isAsked, []);
  }

  [Symbol.iterator](): Iterator<[string, V], undefined> {
    return inOrder(this.root)
      .map(({ key, value }): [string, V] => [key, value])
      .values();
  }

  #entry(key: string): Entry<V> | undefined {
    let branch = this.root;
    while (branch !== null && branch.value.key !== key) {
      branch = key < branch.value.key ? branch.left : branch.right;
    }
    return branch?.value;
  }
}
