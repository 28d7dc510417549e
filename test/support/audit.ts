import type { Row } from '../../src/db/codec.ts';
import type { SubAccount } from '../../src/ledger/account.ts';
import { subAccountKey } from '../../src/ledger/account.ts';
import { GENESIS, transactionLink, type HashedEntry } from '../../src/ledger/hash.ts';
import { idOf } from '../../src/id.ts';
import { TELLS_CHARGE, TELLS_GRANT } from '../../src/ledger/entries-of.ts';
import { SUB_ACCOUNT } from '../../src/ledger/sub-accounts.ts';
import { staleProjections } from './rebuilt.ts';
import type { Sql } from './sql.ts';
import { idIn } from '../../src/ledger/transaction-id.ts';

/**
 * Verifies what the database holds from its rows alone, without asking the service. Each check answers with what is
 * wrong, as rows; nothing found is sound.
 */

export type Finding = Readonly<Record<string, unknown>>;

/** Everything that is wrong with the books of a database. */
export async function audit(sql: Sql): Promise<readonly Finding[]> {
  const checks = {
    unbalanced,
    misplaced,
    unfound,
    brokenRunningTotals,
    brokenGrantRemainders,
    versionGaps,
    brokenChains,
    staleProjections,
  };
  const findings: Finding[] = [];
  for (const [check, find] of Object.entries(checks)) {
    findings.push(...(await find(sql)).map((finding) => ({ check, ...finding })));
  }
  return findings;
}

/** Transactions that do not sum to zero in each currency or have no entries, and entries of no transaction. */
export const unbalanced = (sql: Sql): Promise<Finding[]> =>
  sql.rows(`
    select t.book_id, t.version, t.ordinal, e.currency, sum(e.amount) as sum
    from transactions t
    full join (
      select e.shard, e.book_id, e.version, e.transaction, e.amount, s.currency
      from entries e
      join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
    ) e on e.shard = t.shard and e.book_id = t.book_id and e.version = t.version and e.transaction = t.ordinal
    group by t.shard, t.book_id, t.version, t.ordinal, e.currency
    having t.version is null or sum(e.amount) is distinct from 0`);

/** Transactions that do not say where their entries lie. */
const misplaced = (sql: Sql): Promise<Finding[]> =>
  sql.rows(`
    select t.book_id, t.version, t.ordinal, t.first_position, t.sub_accounts
    from transactions t
    left join (
      select shard, book_id, version, transaction, min(position) as first_position,
             array_agg(sub_account order by position) as sub_accounts
      from entries group by shard, book_id, version, transaction
    ) e on e.shard = t.shard and e.book_id = t.book_id and e.version = t.version and e.transaction = t.ordinal
    where (t.first_position, t.sub_accounts) is distinct from (e.first_position, e.sub_accounts)`);

/**
 * Entries that are not found where they are looked for: by their grant, by their charge (src/ledger/entries-of.ts), or,
 * taken back by another, in its sub-account.
 */
const unfound = (sql: Sql): Promise<Finding[]> =>
  sql.rows(`
    select 'by grant' as way, e.book_id, e.version, e.position from entries e
    where e.grant_id is not null and not exists (
      select from entries o
      where (o.shard, o.book_id, o.version, o.transaction, o.grant_id) = (e.shard, e.book_id, e.version, e.transaction, e.grant_id)
        and ${TELLS_GRANT.replaceAll('e.', 'o.')})
    union all
    select 'by charge', e.book_id, e.version, e.position from entries e
    join transactions t on (t.shard, t.book_id, t.version, t.ordinal) = (e.shard, e.book_id, e.version, e.transaction)
    where e.charge_id is not null and not ${TELLS_CHARGE} and (
      t.charge_id is distinct from e.charge_id or e.version not in (
        select c.version from charges c where (c.shard, c.book_id, c.id) = (e.shard, e.book_id, e.charge_id)
        union all
        select v.version from charge_events v
        where (v.shard, v.book_id, v.charge_id) = (e.shard, e.book_id, e.charge_id) and v.collected > 0))
    union all
    select 'as taken back', e.book_id, e.version, e.position from entries e
    where e.reversed_version is not null and not exists (
      select from entries o
      where (o.shard, o.book_id, o.sub_account, o.version, o.position)
          = (e.shard, e.book_id, e.sub_account, e.reversed_version, e.reversed_position))`);

/** Entries whose running total is not the sum of their sub-account up to them, in version order. */
export const brokenRunningTotals = (sql: Sql): Promise<Finding[]> =>
  sql.rows(`
    select * from (
      select book_id, version, position, running_total,
             sum(amount) over (partition by shard, book_id, sub_account order by version, position) as summed
      from entries
    ) e where running_total is distinct from summed`);

/** FBO entries that do not say what remained of their grant after them, and others that say anything. */
export const brokenGrantRemainders = (sql: Sql): Promise<Finding[]> =>
  sql.rows(`
    select * from (
      select e.book_id, e.version, e.position, e.grant_remaining,
             case when s.type = 'CUSTOMER_FBO' then
               sum(e.amount) filter (where s.type = 'CUSTOMER_FBO')
                 over (partition by e.shard, e.book_id, e.grant_id order by e.version, e.position) end as summed
      from entries e
      join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
    ) e where grant_remaining is distinct from summed`);

/** Books whose writes are not the versions 1, 2, 3 … up to their own, or whose recorded_at goes back. */
export const versionGaps = (sql: Sql): Promise<Finding[]> =>
  sql.rows(`
    select b.customer_id, b.version, w.version as written, w.place, w.recorded_at
    from books b
    left join (
      select *, row_number() over book as place, lag(recorded_at) over book as before
      from writes window book as (partition by shard, book_id order by version)
    ) w on w.shard = b.shard and w.book_id = b.id
    where (w.version is null and b.version > 0) or w.version <> w.place or w.recorded_at < w.before
       or (w.version = (select max(version) from writes m where m.shard = b.shard and m.book_id = b.id)
           and w.version <> b.version)
    union all
    select 'no write', null, t.version, t.ordinal, t.recorded_at
    from transactions t left join writes w using (shard, book_id, version)
    where w.version is null or w.recorded_at <> t.recorded_at`);

type ChainRow = {
  book_id: number;
  version: number;
  ordinal: number;
  id: string;
  kind: string;
  booked_at: number;
  recorded_at: number;
  reason: string | null;
  hash: Buffer;
};
type LegRow = Row<SubAccount> & {
  book_id: number;
  version: number;
  transaction: number;
  sub_account: number;
  account_id: string;
  amount: bigint;
  grant_id: string | null;
  charge_id: string | null;
  reversed_version: number | null;
  reversed_position: number | null;
};

/**
 * Transactions whose hash is not that of their content and the hash before, and books that end on another. Of writes the
 * hash is taken as it stands: what it is over is verified by the service.
 */
export async function brokenChains(sql: Sql): Promise<Finding[]> {
  const transactions = await sql.rows<ChainRow>(
    `select t.*, ${idIn('t')} as id from transactions t order by ordinal`,
  );
  const entries = await sql.rows<LegRow>(`
    select s.*, s.id as account_id, e.book_id, e.version, e.transaction, e.sub_account, e.amount, e.grant_id, e.charge_id,
           e.reversed_version, e.reversed_position
    from entries e
    join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
    order by e.shard, e.book_id, e.version, e.position`);
  const writes = await sql.rows<{ book_id: number; version: number; salt: Buffer; hash: Buffer }>(
    'select * from writes order by book_id, version',
  );
  const legs = Map.groupBy(entries, (row) => `${row.book_id} ${row.version} ${row.transaction}`);
  const booked = Map.groupBy(transactions, (row) => `${row.book_id} ${row.version}`);
  const heads = new Map<number, Buffer>();
  const findings: Finding[] = [];
  for (const { book_id, version, salt, hash: sealed } of writes) {
    for (const { ordinal, id: uuid, kind, booked_at, recorded_at, reason, hash } of booked.get(
      `${book_id} ${version}`,
    ) ?? []) {
      const own = (legs.get(`${book_id} ${version} ${ordinal}`) ?? []).map(hashedOf);
      const said = { uuid, version, ordinal, kind, bookedAt: booked_at, recordedAt: recorded_at, reason };
      if (!transactionLink(heads.get(book_id) ?? GENESIS, salt, said, own).equals(hash))
        findings.push({ book_id, version, ordinal });
      heads.set(book_id, hash);
    }
    heads.set(book_id, sealed);
  }
  for (const { id, head_hash } of await sql.rows<{ id: number; head_hash: Buffer }>('select * from books')) {
    if (!(heads.get(id) ?? GENESIS).equals(head_hash)) findings.push({ book_id: id, head: 'is another' });
  }
  return findings;
}

const hashedOf = (row: LegRow): HashedEntry => ({
  subAccount: row.sub_account,
  accountKey: subAccountKey(SUB_ACCOUNT.read(row)),
  accountUuid: row.account_id,
  amount: row.amount,
  grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
  chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
  reverses:
    row.reversed_version === null
      ? null
      : { version: row.reversed_version, position: row.reversed_position! },
});
