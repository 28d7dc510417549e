import type { Amount } from '../amount.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import type { Instant } from '../instant.ts';
import { toldOfAccounts } from './late-told.ts';
import { ENTRIES_OF_TRANSACTION, filterParameters, IN_SCOPE, type MovementFilter } from './movements.ts';

/** Settled at the end of an instant, in a scope. A currency that is not told of has nothing settled. */
export type SettledAt = { readonly at: Instant; readonly currency: string; readonly amount: Amount };

// As in history.ts, for some instants at once.
const SETTLED_AT_INSTANTS = statement<SettledAt>(
  'settled_at_instants',
  `with accounts as materialized (
     select s.* from sub_accounts s
     where s.shard = $1 and s.book_id = $2 and ${IN_SCOPE}
   ), instant as materialized (
     select i.at, coalesce(recorded.version, 0) as recorded_by
     from unnest($6::timestamptz[]) i (at)
     left join lateral (
       select w.version from writes w
       where w.shard = $1 and w.book_id = $2 and w.recorded_at <= i.at and w.version <= $3
       order by w.recorded_at desc, w.version desc limit 1
     ) recorded on true
   ), late as materialized (
     select i.at, told.id, sum(told.amount) as amount
     from instant i
     cross join lateral (${toldOfAccounts(
       { book: '$2::uuid', after: 'i.recorded_by', through: '$3::bigint', at: 'i.at' },
       'accounts',
     )}) told
     group by i.at, told.id
   )
   select i.at, s.currency, sum(coalesce(base.running_total, 0) + coalesce(late.amount, 0)) as amount
   from instant i
   cross join accounts s
   left join lateral (
     select e.running_total from entries e
     where e.shard = $1 and e.book_id = $2 and e.sub_account = s.ordinal and e.version <= i.recorded_by
     order by e.version desc, e.position desc limit 1
   ) base on true
   left join late on late.at = i.at and late.id = s.id
   group by i.at, s.currency`,
);

/** Settled in the filter's scope at the end of each instant, by currency. */
export async function settledAt(
  connection: Connection,
  filter: MovementFilter,
  instants: readonly Instant[],
): Promise<readonly SettledAt[]> {
  if (instants.length === 0) return [];
  return connection.run(SETTLED_AT_INSTANTS, [...filterParameters(filter), instants.map(timestamp)]);
}

/** So many transactions are looked at between the ends of a page, rather than sums made for each of its rows. */
const FEW = 2_000;

// $6 are instants, oldest first, $7 how many transactions are few. A row without `after`: there are more between them.
const MOVED_BETWEEN = statement<{ after: number | null; currency: string; amount: Amount }>(
  'settled_moved_between',
  `with ends as (
     select ($6::timestamptz[])[1] as first, ($6::timestamptz[])[cardinality($6::timestamptz[])] as last
   ), few as materialized (
     select count(*) <= $7::integer as are_few from (
       select from ends
       join lateral (
         select from transactions t
         where t.shard = $1 and t.book_id = $2 and t.booked_at > ends.first and t.booked_at <= ends.last
         offset 0
       ) t on true
       limit $7::integer + 1
     ) t
   )
   select width_bucket(t.booked_at - interval '1 ms', $6::timestamptz[]) as after, s.currency, sum(e.amount) as amount
   from ends cross join few
   join lateral (
     select * from transactions t
     where few.are_few and t.shard = $1 and t.book_id = $2 and t.version <= $3
       and t.booked_at > ends.first and t.booked_at <= ends.last
     offset 0
   ) t on true
   join lateral (${ENTRIES_OF_TRANSACTION} offset 0) e on true
   cross join lateral (
     select * from sub_accounts s where s.shard = $1 and s.book_id = $2 and s.ordinal = e.sub_account offset 0
   ) s
   where ${IN_SCOPE}
   group by 1, 2
   union all
   select null, null, null from few where not few.are_few`,
);

/**
 * The same of many instants, newest first, that may lie close together: one sum behind the newest, and what was booked
 * between them. Where that is a lot, because what is between them is not asked for, a sum for each instead.
 */
export async function settledAtEach(
  connection: Connection,
  filter: MovementFilter,
  instants: readonly Instant[],
): Promise<readonly SettledAt[]> {
  if (instants.length < 2) return settledAt(connection, filter, instants);
  const oldestFirst = instants.toReversed();
  const [newest, moved] = await settleAll([
    settledAt(connection, filter, instants.slice(0, 1)),
    connection.run(MOVED_BETWEEN, [...filterParameters(filter), oldestFirst.map(timestamp), FEW]),
  ]);
  if (moved.some(({ after }) => after === null)) return settledAt(connection, filter, instants);
  const between = new Map(moved.map(({ after, currency, amount }) => [`${after} ${currency}`, amount]));
  return newest.flatMap(({ currency, amount }) => {
    let settled = amount;
    return instants.map((at, i) => {
      if (i > 0) settled -= between.get(`${instants.length - i} ${currency}`) ?? 0n;
      return { at, currency, amount: settled };
    });
  });
}
