import { appendFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createClock } from '../../src/db/clock.ts';
import { connect } from '../../src/db/database.ts';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { startEmbeddedPostgres } from '../../src/embedded/start.ts';
import { readCursor } from '../../src/feed/feed-cursor.ts';
import { createFeeds } from '../../src/feed/feeds.ts';
import type { FeedEvent } from '../../src/feed/follow.ts';
import { createSignals } from '../../src/live/signals.ts';
import { migrateFor, query } from '../support/databases.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { call, testService } from '../support/service.ts';
import { untilSo } from '../support/until.ts';

/**
 * After a crash Postgres gives transaction ids anew that it had given, and told of in snapshots, before anything that
 * bore them was on disk. A feed that had come to believe in them must not pass what is written under them then.
 */

const dataDir = mkdtempSync(join(tmpdir(), 'feed-crash-'));
chmodSync(dataDir, 0o755);
let ups = 0;
const postgres = await startEmbeddedPostgres({
  dataDir,
  onTrouble: { down: () => undefined, up: () => (ups += 1), givenUp: () => undefined },
});
const crash = async (): Promise<void> => {
  const before = ups;
  process.kill(findPostmaster(join(dataDir, 'postgres'))!.pid, 'SIGKILL');
  await untilSo('Postgres is up again', () => ups > before);
};
await migrateFor(postgres);
// What no commit waits for stays in memory: as if the crash came in the moment after.
appendFileSync(join(dataDir, 'postgres', 'postgresql.conf'), 'wal_writer_delay = 10s\n');
await crash();

const service = await testService(postgres.url);
const database = connect({ url: postgres.url, poolSize: 3 });
const feeds = createFeeds({
  database,
  clock: createClock(),
  signals: createSignals(),
  staleAfterMs: 600_000,
  pollMs: 20,
  bookmarkMs: 20,
  onFailure: () => undefined,
});
afterAll(async () => {
  await feeds.close();
  await database.close();
  await service.stop();
  await postgres.stop();
  rmSync(dataDir, { recursive: true });
});

const nextId = async (): Promise<number> => {
  const [row] = await query(postgres.url, 'select pg_snapshot_xmax(pg_current_snapshot())::text as id');
  return Number(row!['id']);
};
const spend = () =>
  untilSo('it is written', async () => {
    const request = spendRequest({ amount: '1', idempotencyKey: crypto.randomUUID(), ...CREDIT_ONLY });
    return (await call(service.url, 'credit.v1.CreditService/ConsumeCredits', request)).ok;
  });

function follow(from: Parameters<typeof feeds.watch>[0]['from'], customerId: string | null) {
  const over = new AbortController();
  const events = feeds.watch({ namespace: 'default', customerId, from }, over.signal);
  const next = async (isIt: (event: FeedEvent) => boolean): Promise<FeedEvent> => {
    for (;;) {
      const { value } = await events.next();
      if (value === undefined) throw new Error('the stream has ended');
      if (isIt(value)) return value;
    }
  };
  return { next, end: () => over.abort() };
}
const isBookmark = ({ kind }: FeedEvent): boolean => kind === 'bookmark';
const isVersion =
  (version: number) =>
  (event: FeedEvent): boolean =>
    event.kind === 'transaction' && event.transaction.version === version;

test('what is written under ids that a crash has forgotten is told, to who follows and to who resumes', async () => {
  await spend();
  const streams = [null, 'ada'].map((customerId) => follow('beginning', customerId));
  for (const { next } of streams) await next(isVersion(1));
  for (let i = 0; i < 1_000; i += 1)
    await query(postgres.url, 'begin; select pg_current_xact_id(); rollback');
  const before = await nextId();
  // Whatever it has come to believe of the ids that were given, it tells in its cursors.
  for (let i = 0; i < 5; i += 1) for (const { next } of streams) await next(isBookmark);
  const { cursor } = await streams[0]!.next(isBookmark);

  await crash();
  expect(await nextId()).toBeLessThan(before);
  await spend();

  for (const { next } of streams) await next(isVersion(2));
  const resumed = follow(readCursor('namespace', cursor)!, null);
  expect(await resumed.next(() => true)).toMatchObject({ kind: 'transaction', transaction: { version: 2 } });
  for (const { end } of [...streams, resumed]) end();
});
