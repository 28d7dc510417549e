import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collect, failureOf, WireFailure } from '../rpc/clients.ts';
import { CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { openSql, type Sql } from '../support/sql.ts';
import { verified, VERIFY_OVER } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';
import { until } from '../support/until.ts';

/** How a verification tells what it does, and what it does to everybody else. */

const { caller, databaseUrl, time, url } = await testWorld();

await caller.answer('CreateGrant', grantRequest());
await caller.answer('ConsumeCredits', spendRequest());
await caller.answer('CreateGrant', grantRequest({ customerId: 'bob' }));
await caller.answer('CreateGrant', grantRequest({ namespace: 'elsewhere', customerId: 'eve' }));

describe.each(Object.entries(VERIFY_OVER))('over %s', (_, over) => {
  test('progress comes first and the summary last', async () => {
    const messages = await collect(over(url)({}));
    const events = messages.map(({ event }) => event);

    expect(events[0]).toMatchObject({ case: 'progress', value: { booksTotal: 2n } });
    expect(events.at(-1)).toMatchObject({
      case: 'summary',
      value: { books: 2n, transactions: 3n, entries: 10n, findings: 0n },
    });
  });
});

const summaryOf = async (request: { namespace?: string; customerId?: string }) =>
  (await verified(url, request)).events.at(-1)!.value;

test('one customer is verified alone', async () => {
  expect(await summaryOf({ customerId: 'ada' })).toMatchObject({ books: 1n, transactions: 2n });
});

test('of a namespace only its own books are verified', async () => {
  expect(await summaryOf({ namespace: 'elsewhere' })).toMatchObject({ books: 1n, transactions: 1n });
});

test('there is nothing to verify of a customer nobody has written about', async () => {
  expect(await summaryOf({ customerId: 'nobody' })).toMatchObject({ books: 0n, findings: 0n });
});

test('what was known is told by the clock of the service', async () => {
  const { knownAt } = (await summaryOf({})) as { knownAt: { seconds: bigint } };

  expect(Number(knownAt.seconds) * 1_000).toBe(time.now);
});

test('a book that is written meanwhile is sound in each of its snapshots', async () => {
  const customerId = 'busy';
  await caller.answer('CreateGrant', grantRequest({ customerId }));
  const spend = () => {
    time.now += 1;
    return caller.answer('ConsumeCredits', spendRequest({ customerId, amount: '1', ...CREDIT_ONLY }));
  };
  for (let round = 0; round < 10; round += 1) {
    const [{ findings }] = await Promise.all([verified(url, { customerId }), spend(), spend(), spend()]);
    expect(findings).toEqual([]);
  }
});

describe('while the database keeps a verification waiting', () => {
  let blocker: Sql;
  beforeEach(async () => {
    blocker = await openSql(databaseUrl);
    await blocker.rows('begin');
    await blocker.rows('lock table entries in access exclusive mode');
  });
  afterEach(() => blocker.end());

  /** One that has begun and waits. */
  async function begun() {
    const stop = new AbortController();
    const stream = VERIFY_OVER.gRPC(url)({}, { signal: stop.signal })[Symbol.asyncIterator]();
    const first = await stream.next();
    return { stop, stream, first };
  }
  const refused = () =>
    failureOf(
      collect(VERIFY_OVER.Connect(url)({})).catch((error: unknown) => {
        throw new WireFailure(error as never);
      }),
    );

  test('it goes on telling that it runs', async () => {
    const { stream, first } = await begun();
    const next = stream.next();
    time.pass(1_000);
    const second = await next;
    await blocker.rows('rollback');

    expect([first.value?.event.case, second.value?.event.case]).toEqual(['progress', 'progress']);
    expect((await collect({ [Symbol.asyncIterator]: () => stream })).at(-1)?.event.case).toBe('summary');
  });

  test('a third at once is refused, and taken when one of two has ended', async () => {
    const [one, other] = [await begun(), await begun()];
    expect(await refused()).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_WATCHES',
      metadata: { limit: '2' },
    });
    one.stop.abort();
    other.stop.abort();
    await blocker.rows('rollback');
    const third = await until('a place is free', () => verified(url, {}).catch(() => undefined));

    expect(third.events.at(-1)?.case).toBe('summary');
  });
});
