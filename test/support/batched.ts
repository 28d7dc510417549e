import { afterAll } from 'vitest';
import { actorOf } from '../../src/actor.ts';
import { commitBatch, type CommitDeps } from '../../src/write/commit.ts';
import { createBookCache, type BookCache } from '../../src/book/book-cache.ts';
import { preview } from '../../src/write/preview.ts';
import type { Submission } from '../../src/write/submission.ts';
import { balanceOf } from '../../src/credit/balance.ts';
import type { Command } from '../../src/credit/command.ts';
import { connect, statement, type Database, type Transaction } from '../../src/db/database.ts';
import { idOf, uuidMaker } from '../../src/id.ts';
import { isRefusal } from '../../src/refusal.ts';
import { ALL } from '../../src/scope.ts';
import { testDatabase } from './postgres.ts';
import { testClock } from './clock.ts';
import { openSql } from './sql.ts';
import { idIn } from '../../src/ledger/transaction-id.ts';

/** One write, and whose it is. Repeats of a key are answered as on the wire: the first answer, marked. */
export type Play = { readonly customerId: string; readonly command: Command; readonly key?: string };

/** What a caller hears, without the ids of transactions, which are never the same twice. */
export type Heard = unknown;

/** A database transaction that will be undone, and the write path within it. */
export type Tentative = {
  /** Commits the plays in one batch, as far as the transaction goes. */
  commit(plays: readonly Play[], kept: BookCache): Promise<Heard[]>;
  /** What a dry run of it is told. */
  dryRun(play: Play): Promise<Heard>;
  /** What `work` did is undone, whatever becomes of it. */
  undone<T>(work: () => Promise<T>): Promise<T>;
  /** A digest by table of all that the rows of a customer's book say, but what its journal said up to a version. */
  said(customerId: string, since: number): Promise<readonly string[]>;
};

export const NOT_KEPT: BookCache = createBookCache(0);

/**
 * The write path below its queue, so that a test says which writes share a batch, and a batch that the database refuses
 * fails instead of being split.
 */
export async function batchedWorld() {
  const { url } = await testDatabase();
  const database = connect({ url, poolSize: 6 });
  const sql = await openSql(url);
  afterAll(() => Promise.all([database.close(), sql.end()]));
  const time = testClock();
  const depsOn = (on: Database, kept: BookCache, more: Partial<CommitDeps> = {}): CommitDeps => ({
    ...more,
    database: on,
    clock: time.clock,
    uuids,
    kept,
    leewayMs: 1_000,
  });
  const submitOn =
    (on: Database) =>
    async (submissions: readonly Submission[], kept: BookCache, more?: Partial<CommitDeps>) =>
      (await commitBatch(depsOn(on, kept, more), submissions)).results;
  const commitOn =
    (on: Database) =>
    async (plays: readonly Play[], kept: BookCache): Promise<Heard[]> =>
      (await submitOn(on)(plays.map(submissionOf), kept)).map((result) =>
        result.ok ? result.message : 'error' in result ? heardRefusal(result.error) : result,
      );
  return {
    time,
    sql,
    databaseUrl: url,
    commit: commitOn(database),
    submit: (submissions: readonly Submission[], more?: Partial<CommitDeps>) =>
      submitOn(database)(submissions, NOT_KEPT, more),
    /** Everything `work` did is undone at its end. */
    async tentatively(work: (tentative: Tentative) => Promise<void>): Promise<void> {
      const over = new Error('undone');
      const undo = database.transaction(async (connection) => {
        const undone = undoneOn(connection);
        const said = (customerId: string, since: number) =>
          connection
            .run(SAID, [customerId, since])
            .then((rows) => rows.map((row) => `${row.table}: ${row.said}`));
        const on = within(connection);
        const dryRun = (play: Play) => preview(depsOn(on, NOT_KEPT), submissionOf(play)).catch(heardRefusal);
        await work({ commit: commitOn(on), dryRun, undone, said });
        throw over;
      });
      await undo.catch((error: unknown) => {
        if (error !== over) throw error;
      });
    },
  };
}

const uuids = uuidMaker(Date.now);

/** A database whose transactions are part of one that is under way, whoever waits for them. */
const within = (connection: Transaction): Database => ({
  run: connection.run,
  async transaction(work) {
    const last: Promise<unknown>[] = [];
    const done = await work({ ...connection, beforeCommit: (sent) => void last.push(...sent) });
    await Promise.all(last);
    return done;
  },
  snapshot: (work) => work({ ...connection, without: () => connection }),
  until: () => within(connection),
  close: () => Promise.resolve(),
});

const SAVEPOINT = statement<never>('savepoint', 'savepoint tentative');
const BACK = statement<never>('back_to_savepoint', 'rollback to savepoint tentative');
const RELEASE = statement<never>('release_savepoint', 'release savepoint tentative');

const undoneOn =
  ({ run }: Transaction): Tentative['undone'] =>
  async (work) => {
    await run(SAVEPOINT);
    try {
      return await work();
    } finally {
      await run(BACK);
      await run(RELEASE);
    }
  };

/** What differs between two tellings of the same: whose they are, ids that are made while they are told, and hashes over those. */
const OWN = ['shard', 'book_id', 'customer_id', 'feed_position', 'hash', 'head_hash', 'salt'];
const saidBy = (table: string, { hasOwnId = false, isJournal = false } = {}): string =>
  `select '${table}' as table, (to_jsonb(r) - array[${[...OWN, ...(hasOwnId ? ['id'] : [])].map((c) => `'${c}'`).join(', ')}])::text as said
   from book join ${table} r on r.shard = book.shard and r.book_id = book.id ${isJournal ? 'and r.version > $2' : ''}`;

const SAID = statement<{ table: string; said: string }>(
  'said_by_book',
  `with book as (select * from books where namespace = 'default' and customer_id = $1)
   select said.table, count(*) || ' rows, ' || md5(string_agg(said.said, '|' order by said.said)) as said from (
     select 'books' as table, (to_jsonb(b) - array[${[...OWN, 'id', 'uuid'].map((c) => `'${c}'`).join(', ')}])::text as said from book b
     union all ${[
       ...['grants', 'former_terms', 'charges', 'advances', 'allocations', 'scheduled_grants'].map((table) =>
         saidBy(table),
       ),
       saidBy('idempotency'),
       saidBy('sub_accounts', { hasOwnId: true }),
       saidBy('transactions', { hasOwnId: true, isJournal: true }),
       ...['writes', 'entries', 'charge_events', 'reductions'].map((table) =>
         saidBy(table, { isJournal: true }),
       ),
     ].join(' union all ')}
   ) said group by said.table order by said.table`,
);

/** What decisions need loaded of a grant's past, and no caller sees. */
const UNSEEN = new Set(['moves', 'formerTimes']);

const text = (value: unknown): string =>
  JSON.stringify(value, (key, of: unknown) => {
    if (UNSEEN.has(key)) return undefined;
    if (typeof of === 'bigint') return `${of}n`;
    if (of instanceof Map) return [...of];
    return of === Infinity ? 'never' : of;
  });

type About = {
  readonly currency: string | null;
  readonly grant?: { readonly id: string };
  readonly charge?: { readonly id: string };
};

/** The play as the write path takes it; its answer is what a caller could be told of what was decided. */
export const submissionOf = ({ customerId, command, key }: Play): Submission => ({
  key: { namespace: 'default', customerId },
  command,
  // Each its own: who shares a batch shares nobody's name.
  actor: actorOf('tests', key ?? null, command.kind),
  idempotencyKey: key ?? null,
  deadline: Infinity,
  content: () => contentOf(command),
  differsFrom: (stored) => (contentOf(command).equals(stored) ? null : 'content'),
  reply: {
    respond: ({ answer, state, changed, version, recordedAt, appended, makerOf }) => {
      const { currency, grant, charge } = answer as About;
      const about = grant ?? charge;
      const balance = currency === null ? null : balanceOf(state, currency, ALL);
      const posted = appended.transactions.map(({ kind, bookedAt }) => ({ kind, bookedAt }));
      const maker = about === undefined ? undefined : makerOf(about.id);
      return JSON.parse(text({ answer, changed, version, recordedAt, balance, posted, maker }));
    },
    encode: (message) => Buffer.from(text(message)),
    replay: (stored) => ({ ...JSON.parse(Buffer.from(stored).toString()), replayed: true }),
  },
});

/** What a command asks for, without the id of what it makes, which a repeat makes anew. */
function contentOf(command: Command): Buffer {
  const made = { createGrant: 'grantId', adjustUp: 'grantId', consume: 'chargeId', createCharge: 'chargeId' };
  return Buffer.from(text({ ...command, [(made as Record<string, string>)[command.kind] ?? '']: '' }));
}

function heardRefusal(error: unknown): Heard {
  if (!isRefusal(error)) throw error;
  return JSON.parse(text(error.refusal));
}

/** The ids of the transactions posted by hand in each book, oldest first. */
export async function postedByHand(
  sql: Awaited<ReturnType<typeof openSql>>,
  customerId: string,
): Promise<readonly string[]> {
  const rows = await sql.rows<{ id: string }>(
    `select ${idIn('t')} as id from transactions t join books b on b.id = t.book_id and b.shard = t.shard
     where t.kind = 'MANUAL' and b.customer_id = $1 order by t.version, t.ordinal`,
    [customerId],
  );
  return rows.map((row) => idOf('txn', row.id));
}
