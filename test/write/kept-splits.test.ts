import { beforeAll, describe, expect, test } from 'vitest';
import { loadAccrued, loadAllocations } from '../../src/tables/allocations.ts';
import { idOf } from '../../src/id.ts';
import { repeat } from '../support/long-past.ts';
import { explaining, type Planning } from '../support/plans.ts';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/** A split has a row once something of it has moved; what nothing has moved of, the journal tells. */

const world = await testWorld();
const { caller, sql, time, url } = world;
const MINUTE = 60_000;

const recognize = (customerId: string, more: object = {}) => {
  time.now += MINUTE;
  return caller.answer('RecognizeRevenue', { customerId, currency: 'USD', ...more });
};
const spend = async (customerId: string, more: object = {}): Promise<string> => {
  time.now += MINUTE;
  return (await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '4', ...more })))['charge']
    .id;
};
const bookOf = async (customerId: string) => {
  const [book] = await sql.rows<{ shard: number; id: number; version: number }>(
    'select shard, id, version from books where customer_id = $1',
    [customerId],
  );
  return { shard: book!.shard, bookId: book!.id, version: book!.version };
};
const kept = async (customerId: string) =>
  sql.rows(
    `select a.version, a.returned::text, a.recognized::text from allocations a
     join books b on b.id = a.book_id where b.customer_id = $1 order by a.version`,
    [customerId],
  );

describe('a split', () => {
  test('has no row when it is made', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'made' }));
    await spend('made');

    expect(await kept('made')).toEqual([]);
  });

  test('gets one when something of it is given back', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'back' }));
    const chargeId = await spend('back');
    await spend('back');
    await caller.answer('CorrectCharge', { customerId: 'back', chargeId, amount: '1' });
    await caller.answer('CorrectCharge', { customerId: 'back', chargeId, amount: '2' });

    expect(await kept('back')).toMatchObject([{ version: 2, returned: expect.stringMatching(/^3/) }]);
  });

  test('gets one when something of it is recognized, and so do those that were taken before it', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'revenue' }));
    await caller.answer('CreateGrant', grantRequest({ customerId: 'revenue', currency: 'EUR' }));
    await spend('revenue', { currency: 'EUR' });
    await spend('revenue');
    await spend('revenue');
    await spend('revenue', { currency: 'EUR' });
    await recognize('revenue', { amount: '5' });

    expect((await kept('revenue')).map(({ version }) => version)).toEqual([3, 4, 5]);
    // What is left of both, and what had no row.
    await spend('revenue');
    expect(await recognize('revenue')).toMatchObject({ units: '7' });
    expect(await recognize('revenue', { currency: 'EUR' })).toMatchObject({ units: '8' });
    expect((await verified(url, { customerId: 'revenue' })).findings).toEqual([]);
  });
});

const RECOGNIZED = 10_000;

describe('where a long past was recognized', () => {
  let book: { shard: number; bookId: number };
  let chargeId: string;

  beforeAll(async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'old', amount: '1000000' }));
    await spend('old');
    await recognize('old');
    const { shard, bookId, version } = await bookOf('old');
    await repeat(sql, { bookId, after: version - 2, versions: 2, everyMs: 2 * MINUTE }, RECOGNIZED);
    await sql.rows('update splits_kept set through_version = $2 where book_id = $1', [
      bookId,
      version + 2 * (RECOGNIZED - 1),
    ]);
    await sql.rows('vacuum (analyze) allocations, transactions, entries, charge_events, splits_kept');
    book = { shard, bookId };
    const [charge] = await sql.rows<{ id: string }>(
      'select id from charges where book_id = $1 order by version desc limit 1',
      [bookId],
    );
    chargeId = idOf('chg', charge!.id);
  });

  test.each<Planning>(['custom', 'generic'])(
    'what is accrued is read without it (planned %s)',
    async (planning) => {
      const connection = explaining(sql, planning);
      await loadAccrued(connection, [book]);

      for (const { statement, pages, scans } of connection.plans) {
        expect(
          scans.filter((scan) => /Seq Scan/.test(scan)),
          statement,
        ).not.toContainEqual(expect.stringMatching(/^(allocations|transactions|entries)/));
        expect(pages, statement).toBeLessThan(40);
      }
    },
  );

  test.each<Planning>(['custom', 'generic'])(
    'so are the splits of a charge (planned %s)',
    async (planning) => {
      const connection = explaining(sql, planning);
      await loadAllocations(connection, [{ ...book, chargeId }]);

      for (const { statement, pages } of connection.plans) expect(pages, statement).toBeLessThan(40);
    },
  );
});
