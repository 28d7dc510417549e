import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { connect } from '../../src/db/database.ts';
import { allowedToForget, forgetKeys } from '../../src/write/forget-keys.ts';
import { audit } from '../support/audit.ts';
import { callerOf } from '../support/caller.ts';
import { testClock } from '../support/clock.ts';
import { isBookmark, watchTransactions } from '../support/following.ts';
import { testDatabase } from '../support/postgres.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { call, testService, type Json } from '../support/service.ts';
import { openSql, type Sql } from '../support/sql.ts';
import { verified } from '../support/verifier.ts';
import { readFilled } from './filled.ts';
import { counted, placed } from './reads.ts';

/**
 * A database that the release before filled, brought up to this one: it is sound, whoever asks is told what that release
 * told, to the letter, tokens, cursors and keys of before are good, and it is written to.
 */

const filled = readFilled();
const { url: databaseUrl } = await testDatabase('empty');
await migrateAsThen();
const sql = await openSql(databaseUrl);
afterAll(() => sql.end());
await restore(sql);
await migrate({ url: databaseUrl });
const time = testClock(filled.now);
const service = await testService(databaseUrl, { clock: time.clock });
afterAll(() => service.stop());
const { url } = service;

test('is sound, and holds what was there', async () => {
  // A verification asks much of a machine, and the next test looks at the rows of all namespaces.
  const looked = Object.entries(filled.verified).filter(([name], i) => name === 'default' || i % 12 === 0);
  for (const [namespace, counts] of looked) {
    const { findings, summary } = await verified(url, { namespace });
    expect({ namespace, findings: findings.map(({ message }) => message), ...counted(summary) }).toEqual({
      namespace,
      findings: [],
      ...counts,
    });
  }
});

test('is sound by its rows alone', async () => {
  expect(await audit(sql)).toEqual([]);
});

describe('what was answered before is answered now', () => {
  const byMethod = Map.groupBy(filled.reads, ({ method }) => method);

  test.each([...byMethod])('%s', async (_method, reads) => {
    for (const { method, request, answer } of reads) {
      const result = await call(url, method, request);
      const told = result.ok ? result.answer : result.error;
      // The question is part of what is compared, to be read where the answers differ.
      expect({ request, answer: untied(told) }).toEqual({ request, answer: untied(answer) });
    }
  });
});

describe('the stream of a namespace', () => {
  const feeds = filled.feeds.filter(({ told }) => told.length > 1);

  test('tells all from its beginning', async () => {
    for (const { namespace, told } of feeds)
      expect(await follow({ namespace })).toEqual(byCustomer(told.map(({ transaction }) => transaction)));
  });

  test('goes on from cursors of before', async () => {
    const cursors = feeds.flatMap(({ namespace, told }) =>
      told.flatMap(({ cursor }, i) => (cursor === undefined ? [] : { namespace, cursor, told, i })),
    );
    // Each starts a stream: one of three will do.
    for (const { namespace, cursor, told, i } of cursors.filter((_, n) => n % 3 === 0)) {
      const behind = told.slice(i + 1).map(({ transaction }) => transaction);
      expect(await follow({ namespace, cursor })).toEqual(byCustomer(behind));
    }
  });
});

describe('every book', () => {
  test('is written to as before, and sound thereafter', async () => {
    time.now += 86_400_000;
    const caller = callerOf({ url });
    const books = await sql.rows<{ namespace: string; customer_id: string }>(
      'select namespace, customer_id from book_register',
    );
    for (const { namespace, customer_id: customerId } of books) {
      const book = { namespace, customerId };
      await caller.answer('CreateGrant', grantRequest({ ...book, idempotencyKey: 'after' }));
      const spend = { ...book, settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY', idempotencyKey: 'spent after' };
      await caller.answer('ConsumeCredits', spendRequest(spend));
      expect(await caller.answer('ConsumeCredits', spendRequest(spend))).toMatchObject({ replayed: true });
    }
    const { findings } = await verified(url, {});
    expect(findings.map(({ message }) => message)).toEqual([]);
    expect(await audit(sql)).toEqual([]);
  });
});

test('every key of before may be forgotten, and every book is sound thereafter', async () => {
  const database = connect({ url: databaseUrl, poolSize: 2 });
  // What took no version counts as recorded when this database was migrated.
  const olderThan = Date.UTC(9999, 0, 1);
  const remembered = await sql.rows(
    'select from writes where request is not null union all select from idempotency',
  );
  const forgotten = await allowedToForget(database, () => forgetKeys({ database, olderThan, batch: 100 }));
  await database.close();

  expect(forgotten).toBe(remembered.length);
  expect(remembered.length).toBeGreaterThan(100);
  const { findings } = await verified(url, {});
  expect(findings.map(({ message }) => message)).toEqual([]);
  expect(await audit(sql)).toEqual([]);
});

/** With the migrations that release had, and no other. */
async function migrateAsThen(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  const had = new Set(filled.migrations);
  const all = new URL('../../migrations/', import.meta.url).pathname;
  cpSync(all, folder, {
    recursive: true,
    filter: (path) => !path.endsWith('.ts') || had.has(basename(path)),
  });
  expect(await migrate({ url: databaseUrl, folder })).toEqual(filled.migrations);
  rmSync(folder, { recursive: true });
}

async function restore({ rows }: Sql): Promise<void> {
  // What others refer to comes first.
  for (const table of ['books', ...Object.keys(filled.rows).filter((name) => name !== 'books')]) {
    await rows(`insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [
      filled.rows[table],
    ]);
  }
  // Transaction ids of this server have to come as far as those of the server it was filled on.
  await rows(`do $$ begin
    while pg_current_xact_id()::text::bigint <= (select max(feed_position) from writes) loop commit; end loop;
  end $$`);
}

/** Without the tokens of the pages behind and before: those are good if they lead on, and may be spelt otherwise. */
function untied(answer: unknown): unknown {
  const { nextPageToken, previousPageToken, ...rest } = answer as Json;
  return { ...rest, next: nextPageToken !== undefined, previous: previousPageToken !== undefined };
}

/** All that a stream tells before its first bookmark. */
async function follow(request: { namespace: string; cursor?: string }): Promise<unknown> {
  const stream = watchTransactions(url, request, time);
  const told = await stream.until(isBookmark);
  stream.end();
  return byCustomer(told.slice(0, -1).map(({ event }) => placed(event.value)));
}

/** Between books the order is not fixed. */
const byCustomer = (told: readonly unknown[]): unknown =>
  Object.groupBy(told as readonly Json[], ({ customerId }) => customerId);
