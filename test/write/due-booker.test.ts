import { afterAll, describe, expect, test } from 'vitest';
import { createBooks } from '../../src/write/books.ts';
import { createBookCache } from '../../src/book/book-cache.ts';
import { createDueBooker, type DueBooker } from '../../src/write/due-booker.ts';
import { connect } from '../../src/db/database.ts';
import { uuidMaker } from '../../src/id.ts';
import { createLog } from '../../src/log.ts';
import { audit } from '../support/audit.ts';
import { day } from '../support/builders.ts';
import { balancesOf, figuresAt, standingsOf } from '../support/figures.ts';
import { GRID, START } from '../support/histories.ts';
import { longHistories, playerOf, playThrough } from '../support/played.ts';
import { call, type Json } from '../support/service.ts';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld, type World } from '../support/world.ts';
import { untilSo } from '../support/until.ts';

/** The due-booker books what falls due in quiet books, and no answer but versions tells whether it is there. */

/** A due-booker that does a round when a test says so, on a connection pool of its own. */
function dueBookerOf({ databaseUrl, time }: World): DueBooker {
  const database = connect({ url: databaseUrl, poolSize: 4 });
  const kept = createBookCache(1_000);
  const deps = { database, clock: time.clock, uuids: uuidMaker(() => time.now), kept, leewayMs: 0 };
  const books = createBooks({ ...deps, lanes: 4, batchSize: 64, queueLimit: 1024 });
  const dueBooker = createDueBooker({
    ...deps,
    books,
    log: createLog('silent'),
    everyMs: 2 ** 50,
  });
  afterAll(async () => {
    await dueBooker.close();
    await database.close();
  });
  return dueBooker;
}

const world = await testWorld();
const { caller, time, sql } = world;
const dueBooker = dueBookerOf(world);

const writesOf = (customerId: string) =>
  sql.rows<{ version: number; method: string; recorded_at: number }>(
    `select w.version, w.method, w.recorded_at from writes w join books b on b.shard = w.shard and b.id = w.book_id
     where b.customer_id = $1 order by w.version`,
    [customerId],
  );

describe('a round', () => {
  test('books an activation, its covering and an expiry at their own instants, as one write', async () => {
    time.now = day(1);
    const customerId = 'due';
    await caller.answer(
      'CreateGrant',
      grantRequest({ customerId, effectiveAt: at(day(2)), expiresAt: at(day(3)) }),
    );
    await caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '30', ...CREDIT_ONLY }));
    time.now = day(4);

    expect(await dueBooker.round()).toBe(1);
    expect((await writesOf(customerId)).at(-1)).toEqual({
      version: 3,
      method: 'BookDue',
      recorded_at: day(4),
    });
    const booked = await sql.rows<{ kind: string; booked_at: number }>(
      `select t.kind, t.booked_at from transactions t where t.version = 3 order by t.ordinal`,
    );
    expect(booked).toEqual([
      { kind: 'ISSUE', booked_at: day(2) },
      { kind: 'COVER', booked_at: day(2) },
      { kind: 'EXPIRE', booked_at: day(3) },
    ]);
    expect(await figuresAt(caller, customerId)).toEqual(['0', '0']);
  });

  test('is told as what the service did by itself, whoever gave the credit', async () => {
    const { transactions } = await caller.answer('ListTransactions', { customerId: 'due' });
    const lastly = transactions.filter((row: Json) => row['version'] === '3');

    expect(lastly.map((row: Json) => row['actor'])).toEqual(lastly.map(() => ({ caller: 'credit-ledger' })));
  });

  test('books a promise that lapses while it waits for its funding', async () => {
    time.now = day(5);
    const customerId = 'lapsing';
    const funding = {
      method: 'FUNDING_METHOD_INVOICE',
      purchaseCurrency: 'USD',
      perUnitCostBasis: '1',
      availabilityPolicy: 'AVAILABILITY_POLICY_ON_SETTLEMENT',
    };
    await caller.answer('CreateGrant', grantRequest({ customerId, funding, expiresAt: at(day(6)) }));
    time.now = day(7);

    expect(await dueBooker.round()).toBe(1);
    expect(await dueBooker.round()).toBe(0);
    expect(await writesOf(customerId)).toHaveLength(2);
  });

  test('takes no version where nothing is to be booked, and does not come back to it', async () => {
    time.now = day(8);
    const customerId = 'weighing';
    await caller.answer('CreateGrant', grantRequest({ customerId }));
    await caller.answer('CreateCharge', {
      customerId,
      type: 'CHARGE_TYPE_FLAT_FEE',
      settlementMode: 'SETTLEMENT_MODE_PREPAID_ONLY',
      currency: 'USD',
      amount: '30',
      startsAt: at(day(9)),
      holdExpiresAt: at(day(10)),
    });
    time.now = day(11);

    expect(await sql.rows(`select 1 from books where next_event_at <= $1`, [new Date(day(11))])).toEqual([]);
    expect(await dueBooker.round()).toBe(0);
    expect(await writesOf(customerId)).toHaveLength(2);
  });

  test('books each thing once, however many instances do a round at once', async () => {
    time.now = day(12);
    const customers = Array.from({ length: 40 }, (_, i) => `crowd ${i}`);
    await caller.answer('BatchCreateGrants', {
      requests: customers.map((customerId) => grantRequest({ customerId, expiresAt: at(day(13)) })),
    });
    const others = [dueBookerOf(world), dueBookerOf(world)];
    time.now = day(14);
    const written = await Promise.all([dueBooker, ...others].map((one) => one.round()));

    expect(written.reduce((a, b) => a + b)).toBe(40);
    for (const customerId of customers) {
      expect((await writesOf(customerId)).map(({ method }) => method)).toEqual(['CreateGrant', 'BookDue']);
    }
  });

  test('leaves a book alone that cannot be booked, and books the others', async () => {
    time.now = day(14) + 1_000;
    const request = (customerId: string, hours: number) =>
      grantRequest({ customerId, expiresAt: at(time.now + hours * GRID) });
    await caller.answer('CreateGrant', request('stuck', 1));
    await caller.answer('CreateGrant', request('behind', 2));
    // Its next version is taken already, as a bug might.
    await sql.rows(`insert into writes (shard, book_id, version, recorded_at, method)
      select shard, id, version + 1, clock, 'Nobody' from books where customer_id = 'stuck'`);
    const dueSince = time.now + GRID;
    time.now += 3 * GRID;
    const { written } = dueBooker.counts();

    expect(await dueBooker.round()).toBe(1);
    expect(dueBooker.counts()).toEqual({ written: written + 1, due: 1, dueSince, roundAt: time.now });
    expect((await writesOf('behind')).map(({ method }) => method)).toEqual(['CreateGrant', 'BookDue']);
  });

  test('is done by itself, when its time has come', async () => {
    time.now = day(15);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'unattended', expiresAt: at(day(16)) }));
    await world.another({ dueBooker: true });
    time.now = day(17);

    const booked = async () => (await writesOf('unattended')).length === 2;
    await expect(untilSo('the expiry is booked', booked)).resolves.toBeUndefined();
  });
});

/** Everything a caller can ask about a customer that names no version and no id. */
async function answersOf({ url, caller: asked, time: clock }: World, customerId: string): Promise<unknown> {
  const moments = [-30, -4, -1, 0, 5].map((steps) => clock.now + steps * GRID);
  const axes = moments.flatMap((asOf) => [
    { asOf },
    ...moments.filter((knownAt) => knownAt <= clock.now).map((knownAt) => ({ asOf, knownAt })),
  ]);
  const figures: unknown[] = [];
  for (const moment of axes) {
    const standings = await standingsOf(asked, customerId, moment);
    figures.push([await balancesOf(asked, customerId, moment), [...standings.values()]]);
  }
  const history = await call(url, 'credit.v1.CreditService/ListTransactions', { customerId, pageSize: 1000 });
  if (!history.ok) throw new Error(history.error.message);
  const { scheduledGrants = [] } = await asked.answer('ListScheduledGrants', { customerId });
  const rows = history.answer['transactions'].map(
    ({ type, amount, currency, bookedAt, balanceBefore, balanceAfter }: any) => ({
      type,
      amount,
      currency,
      bookedAt,
      balanceBefore,
      balanceAfter,
    }),
  );
  const schedule = scheduledGrants.map(({ amount, pendingUntil }: any) => ({ amount, pendingUntil }));
  return { figures, rows, schedule };
}

describe('random histories', async () => {
  const without = await testWorld();
  const withIt = await testWorld();
  const rounds = dueBookerOf(withIt);

  test('are answered the same with and without it', async () => {
    let booked = 0;
    for (const [i, history] of longHistories(4, 20_260_107).entries()) {
      // A clock that is set back stands still in a book until it has caught up: there the due-booker's write would show.
      const steps = history.map((step) => ({ ...step, wait: Math.max(step.wait, 0) }));
      const customerId = `history ${i}`;
      for (const one of [without, withIt]) one.time.now = START + i * 400 * GRID;
      await playThrough(without.caller, without.time, steps, customerId);
      const play = playerOf(withIt.caller, withIt.time, customerId);
      for (const step of steps) {
        withIt.time.now += step.wait * GRID;
        booked += await rounds.round();
        await play(step);
      }

      expect(await answersOf(withIt, customerId)).toEqual(await answersOf(without, customerId));
    }
    expect(booked).toBeGreaterThan(15);
    // Projections are rebuilt by rules that know grants and spending alone; these histories have everything.
    const findings = (await audit(withIt.sql)).filter(({ check }) => check !== 'staleProjections');
    expect(findings).toEqual([]);
  });
});
