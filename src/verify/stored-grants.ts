import type { Amount } from '../amount.ts';
import { settleAll, statement, type Connection } from '../db/database.ts';
import { idOf, uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { PostingKind } from '../ledger/posting.ts';
import { writtenPromises, type WrittenPromise } from '../pending/written-promises.ts';
import { formerTermsOf, type FormerTerms } from '../tables/former-terms.ts';
import { GRANTS, type GrantRow, type StoredGrant } from '../tables/grants.ts';
import type { Book } from './book-set.ts';
import { cursor } from './cursor.ts';
import type { WrittenAccount } from './written.ts';

/** A grant as it stands in its row, with what its standing is held against. */
export type WrittenGrant = StoredGrant & {
  readonly spanClass: number | null;
  /** Its terms before each change, oldest first. */
  readonly former: readonly FormerTerms[];
  /** The first write at or after its expiry, not before the one that set it; null: there was none yet. */
  readonly expiryVersion: number | null;
};

/** What an entry says of its grant. */
export type GrantEntry = {
  readonly grantId: string;
  readonly version: number;
  readonly subAccount: number;
  readonly kind: PostingKind;
  readonly amount: Amount;
  readonly bookedAt: Instant;
};

/** Grants, and what else there is of their ids and of ids between them. */
export type GrantsPage = {
  readonly grants: readonly WrittenGrant[];
  readonly promises: readonly WrittenPromise[];
  /** What was booked of their held credit and revenue and how they were voided, in order of grant and version. */
  readonly entries: AsyncGenerator<readonly GrantEntry[], void, undefined>;
};

const PAGE = 500;
const BEFORE_ALL = '0'.repeat(32);
const LAST_ID = 'f'.repeat(32);

type PageRow = GrantRow & { page_size: number; span_class: number | null; expiry_version: number | null };

// Of a full page a row may be missing, as it cannot be read.
const PAGE_OF_GRANTS = statement<PageRow>(
  'grants_to_verify',
  `select ${GRANTS.select('g')}, g.span_class, g.page_size, expiry.version as expiry_version
   from (
     select g.*, count(*) over () as page_size from (
       select * from grants g where g.shard = $1 and g.book_id = $2 and g.id > $3::uuid order by g.id limit ${PAGE}
     ) g
   ) g
   left join lateral (
     select w.version from writes w
     where w.shard = $1 and w.book_id = $2 and w.version >= g.version
       and w.recorded_at >= greatest(g.expires_at, g.recorded_at)
     order by w.recorded_at, w.version limit 1
   ) expiry on true
   order by g.id`,
);

type EntryRow = {
  grant_id: string;
  version: number;
  sub_account: number;
  kind: PostingKind;
  amount: Amount;
  booked_at: Instant;
};

// One grant may have paid for everything a customer ever did. The whole key: an entry that cannot be read is told once.
const openEntries = cursor(
  'entries_by_grant',
  `select e.grant_id, e.charge_id, e.version, e.position, e.sub_account, e.kind, e.amount, e.booked_at from entries e
   where e.shard = $1 and e.book_id = $2 and e.grant_id is not null
     and (e.sub_account = any($3::integer[]) or e.kind = 'VOID')
   order by e.grant_id, e.version, e.position`,
  (row: EntryRow): GrantEntry => ({
    ...{ grantId: idOf('grt', row.grant_id), version: row.version, subAccount: row.sub_account },
    ...{ kind: row.kind, amount: row.amount, bookedAt: row.booked_at },
  }),
  ({ grantId }) => grantId,
);

/** A book's grants in pages, within one transaction. */
export async function* writtenGrants(
  connection: Connection,
  book: Book,
  accounts: ReadonlyMap<number, WrittenAccount>,
): AsyncGenerator<GrantsPage, void, undefined> {
  const { shard, id: bookId } = book;
  const telling = [...accounts].flatMap(([ordinal, { type }]) =>
    type === 'CUSTOMER_FBO' || type === 'EARNINGS' ? [ordinal] : [],
  );
  const entries = await openEntries(connection, [shard, bookId, telling]);
  for (let after = BEFORE_ALL; ;) {
    const rows = await connection.run(PAGE_OF_GRANTS, [shard, bookId, after]);
    const isLast = (rows[0]?.page_size ?? 0) < PAGE;
    const found = rows.map((row) => ({ row, own: GRANTS.read(row) }));
    const ids = found.map(({ own }) => own.grant.id);
    const through = isLast ? LAST_ID : uuidOf(ids.at(-1)!);
    const [former, promises] = await settleAll([
      formerTermsOf(connection, { shard, bookId }, ids),
      writtenPromises(connection, book, { after, through }),
    ]);
    const grants = found.map(({ row, own }) => ({
      ...own,
      spanClass: row.span_class,
      ...expiringOf(own, row.expiry_version, former.get(own.grant.id) ?? []),
    }));
    yield { grants, promises, entries: entries.upTo(idOf('grt', through)) };
    if (isLast) return;
    after = through;
  }
}

/** Writes of one instant have an order: one that let a grant expire at once comes after those before it. */
function expiringOf(
  { grant, version }: StoredGrant,
  reached: number | null,
  former: readonly FormerTerms[],
): Pick<WrittenGrant, 'former' | 'expiryVersion'> {
  const set = former.findLast(({ terms }) => terms.expiresAt !== grant.expiresAt)?.untilVersion ?? version;
  return { former, expiryVersion: reached === null ? null : Math.max(reached, set) };
}
