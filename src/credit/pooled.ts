import { PersistentMap } from '../persistent-map.ts';
import { build, put, remove, type Branch, type Growth } from '../tree.ts';

/** Facts of one currency and one set of feature keys, in an order of their own: whatever may use one may use all. */
export type FactPool<F, Sum> = {
  readonly currency: string;
  /** Sorted; empty: unrestricted. */
  readonly featureKeys: readonly string[];
  /** Not empty. */
  readonly facts: NonNullable<Branch<F, Sum>>;
};

/** What facts of a kind are found by, and their order within a pool, in which one may move when it is replaced. */
export type FactKind<F, Sum> = Growth<F, Sum> & {
  readonly idOf: (fact: F) => string;
  /** A fact never moves to another pool. */
  readonly poolOf: (fact: F) => PoolName;
};

type PoolName = Pick<FactPool<unknown, unknown>, 'currency' | 'featureKeys'>;

/**
 * Facts of a book: by id, and in pools with what they come to. Never changed: with a fact put in place of another it is
 * another collection, which shares the rest, and knows the first few of an order, and sums, without asking all.
 */
export class Pooled<F, Sum> implements Iterable<[string, F]> {
  private readonly kind: FactKind<F, Sum>;
  private readonly byId: PersistentMap<F>;
  private readonly pools: PersistentMap<FactPool<F, Sum>>;

  private constructor(
    kind: FactKind<F, Sum>,
    byId: PersistentMap<F>,
    pools: PersistentMap<FactPool<F, Sum>>,
  ) {
    this.kind = kind;
    this.byId = byId;
    this.pools = pools;
  }

  /** Of several facts with one id the last. */
  static of<F, Sum>(kind: FactKind<F, Sum>, facts: Iterable<F> = []): Pooled<F, Sum> {
    const byId = PersistentMap.of([...facts].map((fact) => [kind.idOf(fact), fact]));
    const pools = [...Map.groupBy(byId.values(), (fact) => keyOf(kind.poolOf(fact)))].map(([key, own]) => {
      const { currency, featureKeys } = kind.poolOf(own[0]!);
      return [key, { currency, featureKeys, facts: build(kind, own.toSorted(kind.order))! }] as const;
    });
    return new Pooled(kind, byId, PersistentMap.of(pools));
  }

  /** The same collection where it has that very fact. */
  with(fact: F): Pooled<F, Sum> {
    const byId = this.byId.with(this.kind.idOf(fact), fact);
    if (byId === this.byId) return this;
    const { currency, featureKeys } = this.kind.poolOf(fact);
    const key = keyOf({ currency, featureKeys });
    const before = this.byId.get(this.kind.idOf(fact));
    const own = this.pools.get(key)?.facts ?? null;
    const moves = before !== undefined && this.kind.order(before, fact) !== 0;
    const facts = put(this.kind, moves ? remove(this.kind, own, before) : own, fact);
    return new Pooled(this.kind, byId, this.pools.with(key, { currency, featureKeys, facts }));
  }

  without(id: string): Pooled<F, Sum> {
    const fact = this.byId.get(id);
    if (fact === undefined) return this;
    const key = keyOf(this.kind.poolOf(fact));
    const pool = this.pools.get(key)!;
    const facts = remove(this.kind, pool.facts, fact);
    const pools = facts === null ? this.pools.without(key) : this.pools.with(key, { ...pool, facts });
    return new Pooled(this.kind, this.byId.without(id), pools);
  }

  /** Those pools that it is asked for. */
  poolsWhere(isAsked: (pool: FactPool<F, Sum>) => boolean): readonly FactPool<F, Sum>[] {
    return this.pools.valuesWhere(isAsked);
  }

  changedSince(before: Pooled<F, Sum>): readonly [string, F][] {
    return this.byId.changedSince(before.byId);
  }

  get size(): number {
    return this.byId.size;
  }

  get(id: string): F | undefined {
    return this.byId.get(id);
  }

  has(id: string): boolean {
    return this.byId.has(id);
  }

  keys(): readonly string[] {
    return this.byId.keys();
  }

  values(): readonly F[] {
    return this.byId.values();
  }

  [Symbol.iterator](): Iterator<[string, F], undefined> {
    return this.byId[Symbol.iterator]();
  }
}

/** Feature keys may hold any character, a currency no bracket. */
const keyOf = ({ currency, featureKeys }: PoolName): string =>
  featureKeys.length === 0 ? currency : JSON.stringify([currency, ...featureKeys]);
