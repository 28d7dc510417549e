import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Amount } from '../../src/amount.ts';
import { connect } from '../../src/db/database.ts';
import { idOf } from '../../src/id.ts';
import type { Instant } from '../../src/instant.ts';
import type { JournalPoint } from '../../src/ledger/as-of.ts';
import { grantTotals } from '../../src/ledger/grant-totals.ts';
import { settledAt } from '../../src/ledger/settled.ts';
import { ALL, inScope, type Scope } from '../../src/scope.ts';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough } from '../support/played.ts';
import { at } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** Sums of the past by running totals and late entries, against adding up every entry (architecture.md §4). */

const { caller, time, sql, databaseUrl } = await testWorld();
const database = connect({ url: databaseUrl, poolSize: 2 });
afterAll(() => database.close());

const SEED = 20_260_107;

type Write = { readonly version: number; readonly recorded_at: Instant };
type Book = { readonly shard: number; readonly id: number; readonly writes: readonly Write[] };
const books: Book[] = [];

beforeAll(async () => {
  for (const [number, steps] of longHistories(8, SEED).entries()) {
    await playThrough(caller, time, steps, neighbour('customer', number));
  }
  for (const { shard, id } of await sql.rows<{ shard: number; id: number }>('select * from books')) {
    const writes = await sql.rows<Write>(
      'select version, recorded_at from writes where book_id = $1 order by version',
      [id],
    );
    if (writes.length > 5) books.push({ shard, id, writes });
  }
});

/** Points of both axes: each within what had been recorded by the version it knows. */
function points(count: number, seed: number): readonly JournalPoint[] {
  const place = fc.record({
    book: fc.nat(),
    version: fc.nat(),
    back: fc.nat(40),
    off: fc.constantFrom(-1, 0, 0, 1),
  });
  return fc.sample(place, { numRuns: count, seed }).map(({ book, version, back, off }) => {
    const { shard, id: bookId, writes } = books[book % books.length]!;
    const known = writes[version % writes.length]!;
    const near = writes[Math.max(0, (version % writes.length) - back)]!;
    const instant = Math.min(near.recorded_at + off, known.recorded_at);
    const by = writes.findLast((w) => w.recorded_at <= instant)?.version ?? 0;
    return { shard, bookId, asOf: instant, version: known.version, recordedBy: Math.min(by, known.version) };
  });
}

const RELEVANT = `e.book_id = $1 and e.version <= $2 and e.booked_at <= $3`;
const ADDED_UP = `
  select s.currency, s.feature_keys, sum(e.amount) as amount from entries e
  join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
  where ${RELEVANT} and (s.type = 'CUSTOMER_FBO' or (s.type = 'CUSTOMER_RECEIVABLE' and s.cost_basis is null))
  group by 1, 2 having sum(e.amount) <> 0`;
const OF_GRANTS = `
  select e.grant_id, sum(e.amount) as remaining,
         coalesce(-sum(e.amount) filter (where e.kind in ('EXPIRE', 'EXPIRE_UNDONE', 'VOID')), 0) as forfeited
  from entries e
  join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
  where ${RELEVANT} and s.type = 'CUSTOMER_FBO' group by 1`;

const parametersOf = (point: JournalPoint) => [point.bookId, point.version, at(point.asOf)];

/** Sums by currency, without those of nothing. */
function byCurrency(rows: readonly { currency: string; amount: Amount }[]): ReadonlyMap<string, Amount> {
  const sums = new Map<string, Amount>();
  for (const { currency, amount } of rows) sums.set(currency, (sums.get(currency) ?? 0n) + amount);
  return new Map([...sums].filter(([, amount]) => amount !== 0n).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every scope that tells the feature keys of some rows apart. */
const scopesOf = (rows: readonly { feature_keys: readonly string[] }[]): readonly Scope[] => [
  ALL,
  { kind: 'unrestricted' },
  ...[...new Set(rows.flatMap((row) => row.feature_keys))].map((featureKey): Scope => ({
    kind: 'feature',
    featureKey,
  })),
];

describe('at random points of both axes', () => {
  test('settled is the sum of all credit and advances booked by then, as known then', async () => {
    let nonZero = 0;
    for (const point of points(400, SEED + 1)) {
      const added = await sql.rows<{ currency: string; feature_keys: string[]; amount: Amount }>(
        ADDED_UP,
        parametersOf(point),
      );
      nonZero += added.length;
      for (const scope of scopesOf(added)) {
        const found = await settledAt(database, { ...point, scope, currency: null }, [point.asOf]);

        expect(byCurrency(found), `at ${at(point.asOf)}, version ${point.version}`).toEqual(
          byCurrency(added.filter((row) => inScope(scope, row.feature_keys))),
        );
      }
    }
    expect(nonZero).toBeGreaterThan(150);
  });

  test('a grant holds, and has forfeited, what its entries add up to', async () => {
    for (const point of points(200, SEED + 2)) {
      const added = await sql.rows<{ grant_id: string; remaining: Amount; forfeited: Amount }>(
        OF_GRANTS,
        parametersOf(point),
      );
      const all = await sql.rows<{ id: string }>('select id from grants where book_id = $1', [point.bookId]);
      const ids = all.map(({ id }) => idOf('grt', id));

      const expected = new Map(ids.map((id) => [id, { remaining: 0n, forfeited: 0n }]));
      for (const { grant_id, remaining, forfeited } of added) {
        expected.set(idOf('grt', grant_id), { remaining, forfeited });
      }
      const totals = await grantTotals(database, point, ids);
      expect(totals, `at ${at(point.asOf)}, version ${point.version}`).toEqual(expected);
    }
  });

  test('late entries straddle many of them, so that both ways of counting are met', async () => {
    const [row] = await sql.rows<{ late: number }>(
      'select count(*) as late from entries where late_class is not null',
    );

    expect(row!.late).toBeGreaterThan(100);
  });
});
