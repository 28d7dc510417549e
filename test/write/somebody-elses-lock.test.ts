import { afterAll, describe, expect, test } from 'vitest';
import { createBookCache } from '../../src/book/book-cache.ts';
import { connect } from '../../src/db/database.ts';
import { uuidMaker } from '../../src/id.ts';
import { createLog } from '../../src/log.ts';
import { newBook } from '../../src/tables/books.ts';
import { createBooks } from '../../src/write/books.ts';
import { createDueBooker } from '../../src/write/due-booker.ts';
import { audit } from '../support/audit.ts';
import { day } from '../support/builders.ts';
import { neighbour } from '../support/neighbours.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import type { CallResult, Json } from '../support/service.ts';
import { openSql, type Sql } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';

/** A lock that another session holds costs those it concerns: on Postgres, with a session of the test's own. */

const seen: string[] = [];
const world = await testWorld({ onStatement: ({ name }) => seen.push(name) });
const { caller, sql, databaseUrl, time } = world;

/** Another session has locks while `work` goes on; then it ends its transaction, by a rollback as a rule. */
async function whileLocked<T>(
  lock: (session: Sql) => Promise<unknown>,
  work: (end: () => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const session = await openSql(databaseUrl);
  await session.rows('begin');
  await lock(session);
  try {
    return await work(() => session.rows('rollback'));
  } finally {
    await session.end();
  }
}

const lockBook = (customerId: string) => (session: Sql) =>
  session.rows('select from books where customer_id = $1 for update', [customerId]);

/** Customers of one shard, each with credit. */
async function customers(name: string, count = 3): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, i) => neighbour(name, i));
  const requests = names.map((customerId) => grantRequest({ customerId }));
  await caller.answer('BatchCreateGrants', { requests });
  return names;
}

const versionsOf = async (names: readonly string[]): Promise<readonly number[]> => {
  const text =
    'select version from unnest($1::text[]) with ordinality n join books on customer_id = n order by ordinality';
  return (await sql.rows<{ version: number }>(text, [names])).map(({ version }) => version);
};

const spend = (customerId: string, more: object = {}) =>
  caller.result('ConsumeCredits', spendRequest({ customerId, amount: '1', ...more }));

const spends = async (names: readonly string[]): Promise<readonly (string | undefined)[]> => {
  const requests = names.map((customerId) => spendRequest({ customerId, amount: '1' }));
  const { results } = await caller.answer('BatchConsumeCredits', { requests });
  return (results as Json[]).map(({ error }) => error?.reason);
};

const conflict: CallResult = {
  ok: false,
  error: {
    code: 'ABORTED',
    reason: 'CONFLICT',
    message: "somebody else holds the customer's book; nothing was written",
    metadata: {},
    violations: [],
  },
};

describe('a book that another session has locked', () => {
  test('keeps nobody else waiting: other books are written while it waits', async () => {
    const [stuck, ...others] = await customers('waits');

    await whileLocked(lockBook(stuck!), async (end) => {
      const waiting = spend(stuck!);
      // For ever, as far as the service's clock goes, which stands still.
      for (let i = 0; i < 10; i++)
        expect(await Promise.all(others.map((one) => spend(one)))).toMatchObject([
          { ok: true },
          { ok: true },
        ]);
      expect(await versionsOf([stuck!])).toEqual([1]);
      await end();
      expect(await waiting).toMatchObject({ ok: true, answer: { version: '2' } });
    });
  });

  test('is a CONFLICT to its callers alone once a second has passed, also within a batch', async () => {
    const [stuck, one, other] = await customers('refused');

    const reasons = await whileLocked(lockBook(stuck!), () =>
      time.until(spends([one!, stuck!, other!, stuck!])),
    );

    expect(reasons).toEqual([undefined, 'CONFLICT', undefined, 'CONFLICT']);
    expect(await versionsOf([stuck!, one!, other!])).toEqual([1, 2, 2]);
    expect(await spends([stuck!])).toEqual([undefined]);
  });

  test('is told by its name, and that nothing was written', async () => {
    const [stuck] = await customers('named');

    expect(await whileLocked(lockBook(stuck!), () => time.until(spend(stuck!)))).toEqual(conflict);
  });

  test('costs what is tried again one statement more, and is loaded only once it is had', async () => {
    const [stuck] = await customers('counted');
    await whileLocked(lockBook(stuck!), async () => {
      seen.length = 0;
      await time.until(spend(stuck!, { idempotencyKey: 'k' }));
    });
    const first = seen.slice(0, 5);

    expect(first).toEqual(['begin', 'lock_books', 'now', 'remembered_by_key', 'find_books']);
    expect([...new Set(seen)].toSorted()).toEqual([...first, 'await_books', 'lock_wait'].toSorted());
  });

  test('keeps the order of its writes, and answers a repeat with what its first attempt came to', async () => {
    const [stuck] = await customers('ordered');

    const results = await whileLocked(lockBook(stuck!), async (end) => {
      const all = ['a', 'b', 'a', 'c'].map((idempotencyKey) => spend(stuck!, { idempotencyKey }));
      await spend(neighbour('ordered', 1));
      await end();
      return Promise.all(all);
    });

    const told = results.map((result) =>
      result.ok ? [result.answer['version'], result.answer['replayed']] : [],
    );
    expect(told.filter(([, replayed]) => replayed !== true).map(([version]) => version)).toHaveLength(3);
    expect(told[0]![0]).toBe(told[2]![0]);
    expect(await versionsOf([stuck!])).toEqual([4]);
  });

  test('is skipped by the due-booker, which books the others', async () => {
    time.now = day(1);
    const names = Array.from({ length: 3 }, (_, i) => neighbour('due', i));
    const requests = names.map((customerId) => grantRequest({ customerId, expiresAt: at(day(2)) }));
    await caller.answer('BatchCreateGrants', { requests });
    time.now = day(3);
    const database = connect({ url: databaseUrl, poolSize: 4 });
    const deps = { database, clock: time.clock, uuids: uuidMaker(() => time.now), leewayMs: 0 };
    const books = createBooks({
      ...deps,
      kept: createBookCache(0),
      lanes: 1,
      batchSize: 64,
      queueLimit: 64,
    });
    const dueBooker = createDueBooker({ ...deps, books, log: createLog('silent'), everyMs: 2 ** 50 });
    afterAll(async () => {
      await dueBooker.close();
      await database.close();
    });

    expect(await whileLocked(lockBook(names[1]!), () => time.until(dueBooker.round()))).toBe(2);
    expect(await versionsOf(names)).toEqual([2, 1, 2]);
    expect(await dueBooker.round()).toBe(1);
    await books.close();
  });
});

describe('a book that another session is making', () => {
  const make = (customerId: string) => (session: Sql) => {
    const { shard, id, uuid } = newBook({ namespace: 'default', customerId }, uuidMaker(Date.now)());
    return session.rows(
      `insert into books (shard, id, uuid, namespace, customer_id, version, clock, head_hash, next_event_at, currencies)
       values ($1, $2, $3, 'default', $4, 0, '-infinity', decode(repeat('00', 32), 'hex'), 'infinity', '{}')`,
      [shard, id, uuid, customerId],
    );
  };
  const grants = async (names: readonly string[]) => {
    const requests = names.map((customerId) => grantRequest({ customerId }));
    const { results } = await caller.answer('BatchCreateGrants', { requests });
    return (results as Json[]).map(({ error }) => error?.reason);
  };

  test('is a CONFLICT to its callers alone: other books are made and written', async () => {
    const [stuck, ...others] = Array.from({ length: 4 }, (_, i) => neighbour('made elsewhere', i));
    const known = await customers('known');

    const reasons = await whileLocked(make(stuck!), () => time.until(grants([...known, stuck!, ...others])));

    expect(reasons).toEqual([undefined, undefined, undefined, 'CONFLICT', undefined, undefined, undefined]);
    expect(await versionsOf([stuck!])).toEqual([]);
    expect(await grants([stuck!])).toEqual([undefined]);
  });

  test('is written once it is there', async () => {
    const stuck = 'made at last';
    await whileLocked(make(stuck), async () => {
      const waiting = grants([stuck]);
      await customers('meanwhile');
      expect(await versionsOf([stuck])).toEqual([]);
      return { waiting };
    }).then(async ({ waiting }) => expect(await waiting).toEqual([undefined]));
  });
});

describe('what another session has locked besides books', () => {
  test('a row of one book is a CONFLICT to its callers alone', async () => {
    const [stuck, ...others] = await customers('a row', 20);
    const lockGrants = (session: Sql) =>
      session.rows(
        `select from grants g join books b on b.shard = g.shard and b.id = g.book_id where b.customer_id = $1 for update of g`,
        [stuck],
      );

    const reasons = await whileLocked(lockGrants, () => spends([stuck!, ...others]));

    expect(reasons).toEqual(['CONFLICT', ...others.map(() => undefined)]);
  });

  test('a table is a CONFLICT to all, once', async () => {
    const names = await customers('a table', 20);
    seen.length = 0;

    const reasons = await whileLocked(
      (session) => session.rows('lock table books in access exclusive mode'),
      () => spends(names),
    );

    expect(new Set(reasons)).toEqual(new Set(['CONFLICT']));
    // All others are tries that hardly wait.
    expect(
      seen.filter((name) => name === 'begin').length - seen.filter((name) => name === 'lock_wait').length,
    ).toBe(1);
  });
});

test('what is left behind is sound', async () => {
  expect(await audit(sql)).toEqual([]);
});
