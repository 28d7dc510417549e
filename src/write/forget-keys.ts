import { answerDigest } from '../book/facts.ts';
import { monotonic, pause } from '../db/clock.ts';
import { statement, type Connection, type Database } from '../db/database.ts';
import { timestamp } from '../db/types.ts';
import type { Instant } from '../instant.ts';
import type { Salt } from '../ledger/hash.ts';
import { StartError } from '../start-error.ts';
import { SHARDS } from '../tables/book-key.ts';

/**
 * Forgets what was asked and answered under old keys: the owner's work, as nobody else may change what was written. Of a
 * write the digest of both stays, of which the hash chain is made, and the key, which the journal tells; what took no
 * version goes whole. A key that is forgotten is new to the service.
 *
 * It goes through the keys that are remembered, in pages, each a transaction of its own. It locks no book, and a row that
 * it changes is one that nobody else ever does, so no writer waits for it.
 */

export type Forgetting = {
  /** As the owner of the tables. */
  readonly database: Database;
  /** What was recorded before this instant is forgotten. */
  readonly olderThan: Instant;
  /** How many keys a transaction looks at. */
  readonly batch: number;
  /** Told after each transaction. */
  readonly onStep?: (step: ForgettingProgress) => void;
};

/** How far it has come: the shards that are done, and how many keys have been forgotten so far. */
export type ForgettingProgress = { readonly shards: number; readonly forgotten: number };

/** Where in a shard the last page ended: behind this key of this book. */
type Place = { readonly bookId: number; readonly key: string };
const START: Place = { bookId: -1, key: '' };

/** A page: how many of its keys were forgotten, and where it ended; null behind the last. */
type Page = { readonly forgotten: number; readonly end: Place | null };

type PageOf = (connection: Connection, shard: number, after: Place, of: Forgetting) => Promise<Page>;

type Keyed = { readonly book_id: number; readonly key: string; readonly old: boolean };

// Along the index that holds what is remembered and nothing else: what was forgotten before is not looked at again.
const OF_WRITES = statement<
  Keyed & {
    readonly version: number;
    readonly method: string;
    readonly salt: Salt | null;
    readonly request: Buffer;
    readonly answer: Buffer;
  }
>(
  'remembered_writes',
  `select w.book_id, w.idempotency_key as key, w.recorded_at < $4 as old, w.version, w.method, w.salt,
     case when w.recorded_at < $4 then w.request end as request,
     case when w.recorded_at < $4 then w.answer end as answer
   from writes w
   where w.shard = $1 and (w.book_id, w.idempotency_key) > ($2, $3) and w.request is not null
   order by w.book_id, w.idempotency_key limit $5`,
);
// In the first format of the hash chain there is no link that a digest would be for.
const FORGET_WRITES = statement<never>(
  'forget_writes',
  `update writes t set request = null, answer = x.digest
   from unnest($2::bigint[], $3::bigint[], $4::bytea[]) x (book_id, version, digest)
   where t.shard = $1 and t.book_id = x.book_id and t.version = x.version and t.request is not null`,
);

const OF_NO_VERSION = statement<Keyed>(
  'remembered_without_version',
  `select i.book_id, i.key, i.recorded_at < $4 as old from idempotency i
   where i.shard = $1 and (i.book_id, i.key) > ($2, $3) order by i.book_id, i.key limit $5`,
);
const FORGET_OF_NO_VERSION = statement<never>(
  'forget_without_version',
  `delete from idempotency i using unnest($2::bigint[], $3::text[]) x (book_id, key)
   where i.shard = $1 and i.book_id = x.book_id and i.key = x.key`,
);

const forgetWrites: PageOf = async (connection, shard, after, { olderThan, batch }) => {
  const rows = await connection.run(OF_WRITES, paramsOf(shard, after, olderThan, batch));
  const old = rows.filter((row) => row.old);
  const digests = old.map(({ salt, method, request, answer }) =>
    salt === null ? null : Buffer.from(answerDigest(salt, method, { request, answer }), 'base64'),
  );
  const places = [old.map((row) => row.book_id), old.map((row) => row.version)];
  if (old.length > 0) await connection.run(FORGET_WRITES, [shard, ...places, digests]);
  return { forgotten: old.length, end: endOf(rows, batch) };
};

const forgetWithoutVersion: PageOf = async (connection, shard, after, { olderThan, batch }) => {
  const rows = await connection.run(OF_NO_VERSION, paramsOf(shard, after, olderThan, batch));
  const old = rows.filter((row) => row.old);
  const places = [old.map((row) => row.book_id), old.map((row) => row.key)];
  if (old.length > 0) await connection.run(FORGET_OF_NO_VERSION, [shard, ...places]);
  return { forgotten: old.length, end: endOf(rows, batch) };
};

const paramsOf = (shard: number, { bookId, key }: Place, olderThan: Instant, batch: number) => [
  shard,
  bookId,
  key,
  timestamp(olderThan),
  batch,
];

function endOf(rows: readonly Keyed[], batch: number): Place | null {
  const last = rows.at(-1);
  return last === undefined || rows.length < batch ? null : { bookId: last.book_id, key: last.key };
}

/** Forgets, and answers how many keys. What was forgotten stays so where it is stopped; begun again it goes on with the rest. */
export async function forgetKeys(forgetting: Forgetting): Promise<number> {
  const { database, onStep } = forgetting;
  let forgotten = 0;
  for (let shard = 0; shard < SHARDS; shard += 1) {
    for (const pageOf of [forgetWrites, forgetWithoutVersion]) {
      for (let place: Place | null = START; place !== null;) {
        const [after, began] = [place, monotonic()];
        const page: Page = await database.transaction((connection) =>
          pageOf(connection, shard, after, forgetting),
        );
        forgotten += page.forgotten;
        place = page.end;
        // The disk is others', too: half of the time it is left to them.
        if (page.forgotten > 0) await pause(monotonic() - began);
        onStep?.({ shards: shard, forgotten });
      }
    }
  }
  onStep?.({ shards: SHARDS, forgotten });
  return forgotten;
}

const ALLOW = [
  statement<never>('allow_forgetting_writes', 'grant update on writes to current_user'),
  statement<never>('allow_forgetting_keys', 'grant delete on idempotency to current_user'),
];
const DISALLOW = [
  statement<never>('disallow_forgetting_writes', 'revoke update on writes from current_user'),
  statement<never>('disallow_forgetting_keys', 'revoke delete on idempotency from current_user'),
];

const IS_ALLOWED = statement<{ allowed: boolean }>(
  'may_forget',
  `select has_table_privilege('writes', 'update') and has_table_privilege('idempotency', 'delete') as allowed`,
);

/**
 * Lets the owner do some work that it may not do otherwise. Granted once and not with each transaction: whatever is granted
 * makes every session plan its statements anew. Where the process is killed meanwhile the next run takes it back.
 * @throws StartError where somebody else owns the tables.
 */
export async function allowedToForget<T>(database: Database, work: () => Promise<T>): Promise<T> {
  const runAll = (statements: typeof ALLOW) =>
    database.transaction(async (connection) => {
      for (const one of statements) await connection.run(one);
    });
  await runAll(ALLOW);
  try {
    // Postgres grants nothing to whoever does not own the tables, and only warns of it.
    const [granted] = await database.run(IS_ALLOWED);
    if (granted?.allowed !== true) {
      throw new StartError(
        'this role does not own the tables: set CREDIT_LEDGER_MIGRATE_URL to the URL of the one that does.',
      );
    }
    return await work();
  } finally {
    await runAll(DISALLOW);
  }
}
