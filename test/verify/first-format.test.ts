import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { VerifyVerdict } from '#gen/ledger/v1/verify_pb.ts';
import { callerOf } from '../support/caller.ts';
import { rowOf } from '../support/damage.ts';
import { testDatabase } from '../support/postgres.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { testClock } from '../support/clock.ts';
import { testService } from '../support/service.ts';
import { openSql } from '../support/sql.ts';
import { verified } from '../support/verifier.ts';

/**
 * A database of the release before hashes had a format: its rows, written by that release (first-format/rows.json: the
 * story of support/verify-story.ts for ada, a keyed grant, and a keyed grant for bob), brought up to this one.
 */

const MIGRATIONS = new URL('../../migrations/', import.meta.url).pathname;
const ROWS = JSON.parse(readFileSync(new URL('first-format/rows.json', import.meta.url), 'utf8')) as Record<
  string,
  readonly Record<string, unknown>[]
>;

async function upgraded(before: string[] = []) {
  const { url: databaseUrl } = await testDatabase('empty');
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  for (const name of readdirSync(MIGRATIONS).filter((one) => one < '20261128')) {
    copyFileSync(join(MIGRATIONS, name), join(folder, name));
  }
  await migrate({ url: databaseUrl, folder });
  rmSync(folder, { recursive: true });
  const sql = await openSql(databaseUrl);
  afterAll(() => sql.end());
  // What others refer to comes first.
  for (const table of ['books', ...Object.keys(ROWS).filter((name) => name !== 'books')]) {
    const columns = Object.keys(ROWS[table]![0]!).join(', ');
    await sql.rows(
      `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(ROWS[table])],
    );
  }
  for (const statement of before) await sql.rows(statement);
  await migrate({ url: databaseUrl });
  const time = testClock(Date.UTC(2026, 1, 1));
  const { url, stop } = await testService(databaseUrl, { clock: time.clock });
  afterAll(stop);
  return { sql, url, caller: callerOf({ url }) };
}

describe('what was written in the first format', async () => {
  const { sql, url, caller } = await upgraded();

  test('is sound', async () => {
    const { findings, summary } = await verified(url, {});

    expect(findings.map(({ message }) => message)).toEqual([]);
    expect(summary).toMatchObject({ verdict: VerifyVerdict.SOUND, books: 2n });
  });

  test('is sound with what is written behind it', async () => {
    await caller.answer('CreateGrant', { ...grantRequest({ name: 'Later' }), customerId: 'ada' });
    await caller.answer('ConsumeCredits', { ...spendRequest(), customerId: 'ada', idempotencyKey: 'later' });
    const { findings } = await verified(url, {});

    expect(findings.map(({ message }) => message)).toEqual([]);
    expect(await sql.rows('select distinct format from writes order by format')).toEqual([
      { format: 1 },
      { format: 2 },
    ]);
  });

  test('is answered again under its key', async () => {
    const again = { ...grantRequest({ name: 'Keyed' }), customerId: 'ada', idempotencyKey: 'keyed' };

    expect(await caller.answer('CreateGrant', again)).toMatchObject({ replayed: true });
  });

  test('is found when it is changed, and so is what came after', async () => {
    await sql.rows('grant update on transactions to current_user');
    const [ada] = await sql.rows<{ id: number; shard: number }>(
      `select id, shard from books where customer_id = 'ada'`,
    );
    const change = rowOf(sql);
    await change(`update transactions set reason = 'forged' where book_id = $1 and version = 14`)(
      ada!,
      {} as never,
    );
    await change(`update grants set name = 'forged' where book_id = $1 and name = 'Later'`)(
      ada!,
      {} as never,
    );
    const { findings, kinds } = await verified(url, {});

    expect(kinds).toEqual(['HASH_CHAIN', 'HASH_CHAIN']);
    expect(findings.map(({ version }) => version)).toEqual([14n, 17n]);
  });
});

describe('a row that could not be read before it was refused', async () => {
  const { sql, url } = await upgraded([
    `update charges set invoiced = 'NaN' where settlement_mode = 'CREDIT_ONLY'`,
  ]);

  test('does not stop the upgrade, and no other is let in', async () => {
    const [check] = await sql.rows<{ valid: boolean }>(
      `select convalidated as valid from pg_constraint where conname = 'charges_readable'`,
    );

    expect(check).toEqual({ valid: false });
    await expect(sql.rows(`update charges set invoiced = 'Infinity'`)).rejects.toThrow('charges_readable');
  });

  test('is told by a verification, which goes on', async () => {
    const { findings, summary } = await verified(url, {});

    expect(findings.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^a row of charges .* cannot be read: its invoiced is NaN$/),
    );
    expect(summary).toMatchObject({ verdict: VerifyVerdict.INCOMPLETE, books: 2n });
  });
});
