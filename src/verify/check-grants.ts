import { formatAmount, type Amount } from '../amount.ts';
import { pendingAmount, type Grant } from '../credit/grant.ts';
import type { Row } from '../db/codec.ts';
import { awaitAll, statement, type Connection } from '../db/database.ts';
import { idOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { PostingKind } from '../ledger/posting.ts';
import { SCHEDULED_GRANTS, type StoredPromise, rowsOf } from '../pending/scheduled-grants.ts';
import { formerTermsOf, type FormerTerms } from '../tables/former-terms.ts';
import { GRANTS, type GrantRow, type StoredGrant } from '../tables/grants.ts';
import type { BookPlace } from './book-set.ts';
import type { RegisteredBook } from './check-book.ts';
import { foundIn, type FoundRow, compare } from './compare.ts';
import { cursor } from './cursor.ts';
import { absentOf } from './dangling.ts';
import { finding, type Finding } from './finding.ts';
import { pageById, pagesById } from './pages.ts';
import { rebuildGrant, type RebuiltGrant, type FoundGrant } from './rebuild-grant.ts';
import type { WrittenAccount } from './written.ts';

type PagedRow = GrantRow & { id: string; page_size: number; expiry_version: number | null };

const PAGE_OF_GRANTS = statement<PagedRow>(
  'grants_to_verify',
  `select ${GRANTS.selectAll('g')}, g.page_size, expiry.version as expiry_version
   from (${pageById('grants')}) g
   left join lateral (
     select w.version from writes w
     where w.shard = $1 and w.book_id = $2 and w.version >= g.version
       and w.recorded_at >= greatest(g.expires_at, g.recorded_at)
     order by w.recorded_at, w.version limit 1
   ) expiry on true
   order by g.id`,
);

const PROMISES = statement<Row<StoredPromise>>(
  'promises_to_verify',
  `select ${SCHEDULED_GRANTS.selectAll('s')} from scheduled_grants s
   where s.shard = $1 and s.book_id = $2 and s.grant_id > $3::uuid and s.grant_id <= $4::uuid`,
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
  (row: EntryRow) => row,
  (row) => row.grant_id,
);

/** A book's grants and their promises against what they are rebuilt to, page by page within one transaction. */
export async function* checkGrants(
  connection: Connection,
  book: RegisteredBook,
  accounts: ReadonlyMap<number, WrittenAccount>,
): AsyncGenerator<Checked, void, undefined> {
  const telling = [...accounts].flatMap(([ordinal, { type }]) =>
    type === 'CUSTOMER_FBO' || type === 'EARNINGS' ? [ordinal] : [],
  );
  const entries = await openEntries(connection, [book.shard, book.id, telling]);
  for await (const { rows, after, through } of pagesById(connection, book, PAGE_OF_GRANTS)) {
    const page = await pageOf(connection, book, rows, [after, through]);
    yield await checkPage(connection, book, accounts, page, entries.upTo(through));
  }
}

type Checked = { readonly findings: readonly Finding[]; readonly rebuilt: readonly StoredGrant[] };

/** Grants, and promises of their ids and of ids between them. */
type Page = {
  readonly grants: readonly FoundGrant[];
  readonly promises: readonly FoundRow<StoredPromise>[];
};

async function pageOf(
  connection: Connection,
  { shard, id: bookId }: BookPlace,
  rows: readonly PagedRow[],
  range: readonly [after: string, through: string],
): Promise<Page> {
  const found = rows.map((row) => ({ ...foundIn(GRANTS, row), reached: row.expiry_version }));
  const ids = found.map(({ fact }) => fact.grant.id);
  const [terms, promises] = await awaitAll([
    formerTermsOf(connection, { shard, bookId }, ids),
    connection.run(PROMISES, [shard, bookId, ...range]),
  ]);
  const grants = found.map(({ reached, ...own }) => {
    const former = terms.get(own.fact.grant.id) ?? [];
    return { ...own, former, expiryVersion: expiryOf(own.fact, reached, former) };
  });
  return { grants, promises: promises.map((row) => foundIn(SCHEDULED_GRANTS, row)) };
}

/** Writes of one instant have an order: one that let a grant expire at once comes after those before it. */
function expiryOf(
  { grant, version }: StoredGrant,
  reached: number | null,
  former: readonly FormerTerms[],
): number | null {
  const changed = former.findLast(({ terms }) => terms.expiresAt !== grant.expiresAt);
  return reached === null ? null : Math.max(reached, changed?.untilVersion ?? version);
}

async function checkPage(
  connection: Connection,
  book: RegisteredBook,
  accounts: ReadonlyMap<number, WrittenAccount>,
  { grants, promises }: Page,
  entries: AsyncIterable<readonly EntryRow[]>,
): Promise<Checked> {
  const rebuilds = new Map(grants.map((own) => [own.fact.grant.id, rebuildGrant(own)]));
  for await (const page of entries) {
    for (const { grant_id: id, sub_account: account, booked_at: bookedAt, ...entry } of page) {
      rebuilds.get(idOf('grt', id))?.book({ ...entry, bookedAt }, accounts.get(account)?.type);
    }
  }
  const rebuilt = grants.map((found) => ({ found, ...rebuilds.get(found.fact.grant.id)!.end() }));
  const { key, shard, id: bookId } = book;
  const changes = rebuilt.flatMap(({ own, promises: changed }) =>
    changed.map((change) => ({ ...key, ...change, shard, bookId, grantId: own.grant.id })),
  );
  // What was promised of a grant that cannot be read nobody knows.
  const unread = promises.map(({ fact }) => fact.promise.grantId).filter((id) => !rebuilds.has(id));
  const absent = new Set(await absentOf(connection, book, unread));
  const told = promises.filter(
    ({
      fact: {
        promise: { grantId },
      },
    }) => rebuilds.has(grantId) || absent.has(grantId),
  );
  return {
    findings: [
      ...rebuilt.flatMap((one) => checkGrant(book, one.found, one)),
      ...compare(SCHEDULED_GRANTS, book, rowsOf(changes).opened, told),
    ],
    rebuilt: rebuilt.map(({ own }) => own),
  };
}

/** A grant's row: it has at most one finding of each kind. */
function checkGrant(book: RegisteredBook, found: FoundGrant, { own, issued }: RebuiltGrant): Finding[] {
  const { grant } = found.fact;
  const identity = checkIdentity(grant, own.grant, issued, book.version);
  // Parts that do not add up are told as that.
  const parts = identity.length === 0 ? own.grant : { ...own.grant, ...partsOf(grant) };
  const should = { shard: book.shard, bookId: book.id, fact: { ...own, grant: parts } };
  return [...identity, ...compare(GRANTS, book, [should], [found])];
}

/** amount = pending + remaining + consumed + expired + voided, and what was issued is the amount (domain.md §3). */
function checkIdentity(
  grant: Grant,
  known: Grant,
  issued: RebuiltGrant['issued'],
  version: number,
): Finding[] {
  const { id, amount } = grant;
  const sum = pendingAmount(grant) + grant.remaining + grant.consumed + grant.expired + grant.voided;
  const place = { grantId: id, version };
  const told = (actual: bigint, message: string) => [
    finding('GRANT_IDENTITY', place, formatAmount(amount), formatAmount(actual), message),
  ];
  if (sum !== amount) {
    const message = `the parts of grant ${id} add up to ${formatAmount(sum)}, not to its amount ${formatAmount(amount)}`;
    return told(sum, `${message}: it says ${shown(grant)}; its entries give ${shown(known)}`);
  }
  if ((issued ?? amount) === amount) return [];
  return told(issued!, `grant ${id} is of ${formatAmount(amount)}, but ${formatAmount(issued!)} was issued`);
}

const partsOf = ({ remaining, consumed, expired, voided }: Grant) => ({
  remaining,
  consumed,
  expired,
  voided,
});

const shown = (grant: Grant): string =>
  Object.entries({ pending: pendingAmount(grant), ...partsOf(grant) })
    .map(([part, amount]) => `${part} ${formatAmount(amount)}`)
    .join(', ');
