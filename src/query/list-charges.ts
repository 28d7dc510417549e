import type { Charge, ChargeStatus, ChargeType } from '../credit/charge.ts';
import { statement, type Connection, type Statement } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import type { Placed } from '../db/placement.ts';
import { askWritten, type AskedBook, type QueryDeps, type Viewed } from '../book/questions.ts';
import { NOW } from '../book/view.ts';
import { idOf, LAST_UUID } from '../id.ts';
import { actorColumns, actorIn, isBy, LOOKED_UP, withWriteOf, type ToldRow } from '../ledger/writes.ts';
import { CHARGES, type ChargeRow } from '../tables/charges.ts';
import type { Made } from '../book/makers.ts';
import { cutPage, type CutPage } from './page-end.ts';

/**
 * Pages of a book's charges, newest first. A page walks one index and looks at a bounded number of rows: where a filter
 * lets few through it ends early, with a place to go on from.
 */

export type ChargeFilter = {
  /** Empty: any. */
  readonly statuses: readonly ChargeStatus[];
  readonly type: ChargeType | null;
  readonly currency: string | null;
  readonly featureKey: string | null;
  /** Who made them: the caller, or whom it named. */
  readonly actor: string | null;
};

/** Rows a page looks at, at most: some ten milliseconds' worth. */
const LOOKED_AT = 10_000;

/** From which charge down, and how many are looked at. */
const WAY = { shard: 'smallint', bookId: 'bigint', from: 'uuid', lookAt: 'bigint' } as const;
const way = parameters(WAY);
const p = parameters({
  ...WAY,
  statuses: 'text[]',
  type: 'text',
  currency: 'text',
  featureKey: 'text',
  actor: 'text',
  limit: 'bigint',
});

// Most charges are final, so those that are not have indexes of their own.
const IN_BOOK = `c.shard = ${way.shard} and c.book_id = ${way.bookId} and c.id <= ${way.from}`;
const NEWEST_FIRST = `order by c.id desc limit ${way.lookAt}`;
// "offset 0" keeps the order from being had by walking all charges: a book has few open ones, and every write loads them.
const OPEN = `select * from charges c where ${IN_BOOK} and c.closed_version is null offset 0`;
const CANCELED = `select * from charges c where ${IN_BOOK} and c.status = 'CANCELED' ${NEWEST_FIRST}`;

const walk = (name: string, charges: string) => {
  const walked = `select * from (${charges}) c ${NEWEST_FIRST}`;
  return {
    page: statement<ChargeRow & ToldRow>(
      `page_of_${name}`,
      `select ${CHARGES.select('c')}, ${actorColumns('w')} from (${walked}) c
       ${withWriteOf({ ...p, version: 'c.version' })}
       where (cardinality(${p.statuses}) = 0 or c.status = any(${p.statuses}))
         and (${p.type} is null or c.type = ${p.type})
         and (${p.currency} is null or c.currency = ${p.currency})
         and (${p.featureKey} is null or c.feature_key = ${p.featureKey})
         and (${p.actor} is null or ${isBy('w', p.actor)})
       order by c.id desc
       limit ${p.limit}`,
    ),
    // The first that a page did not look at, if there are as many.
    behind: statement<{ id: string }>(
      `behind_page_of_${name}`,
      `select id from (${walked} + 1) w offset ${way.lookAt} limit 1`,
    ),
  } satisfies Record<string, Statement<unknown>>;
};

const ALL = walk('charges', `select * from charges c where ${IN_BOOK} ${NEWEST_FIRST} + 1`);
const WALKS = {
  OPEN: walk('open_charges', OPEN),
  CANCELED: walk('canceled_charges', `(${CANCELED} + 1)`),
  UNFINISHED: walk('unfinished_charges', `(${OPEN}) union all (${CANCELED} + 1)`),
};

function walkFor(statuses: readonly ChargeStatus[]): typeof ALL {
  if (statuses.length === 0 || statuses.includes('FINAL')) return ALL;
  return statuses.length === 1 ? WALKS[statuses[0] as 'OPEN' | 'CANCELED'] : WALKS.UNFINISHED;
}

/** The next charges of a book from `from` on, inclusive; null: from the newest. */
export async function pageOfCharges(
  connection: Connection,
  book: Placed,
  filter: ChargeFilter,
  { from, limit }: { readonly from: string | null; readonly limit: number },
): Promise<CutPage<Made<Charge>>> {
  const { page, behind } = walkFor(filter.statuses);
  const lookAt = filter.actor === null ? LOOKED_AT : LOOKED_UP;
  const asked = { from: from ?? LAST_UUID, lookAt };
  const rows = await connection.run(page, bind(p, book, filter, asked, { limit: limit + 1 }));
  const found = rows.map((row) => ({ found: CHARGES.read(row).charge, actor: actorIn(row) }));
  return cutPage(
    found,
    limit,
    ({ found: { id } }) => id,
    async () => {
      const [next] = await connection.run(behind, bind(way, book, asked));
      return next === undefined ? null : idOf('chg', next.id);
    },
  );
}

export type ChargesQuestion = AskedBook & {
  readonly filter: ChargeFilter;
  /** The id the page begins with; null for the first. */
  readonly from: string | null;
  readonly limit: number;
};

/**
 * A customer's charges as they stand now, newest recorded first: bounded work. A page may hold fewer than asked for, also
 * none, where others are to be looked for behind it.
 */
export const listCharges = (
  deps: QueryDeps,
  { key, minVersion, filter, ...range }: ChargesQuestion,
): Promise<Viewed<CutPage<Made<Charge>>>> =>
  askWritten(
    deps,
    { key, minVersion, ...NOW },
    { rows: [], next: null },
    (connection, view): Promise<CutPage<Made<Charge>>> => pageOfCharges(connection, view, filter, range),
  );
