import { afterAll, describe, expect, test } from 'vitest';
import { day } from '../support/builders.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import { watching } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';
import { untilSo } from '../support/until.ts';

/** How watches begin, are resumed, and end. */

const { url, caller, time, sql, another } = await testWorld();
const client = grpcCaller(url);
afterAll(() => client.close());

function clientOf(service: { readonly url: string }) {
  const own = grpcCaller(service.url);
  afterAll(() => own.close());
  return own;
}

describe('a watch that is resumed', () => {
  test('begins with the version last seen or a later one, on any instance', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'resumed' }));
    const elsewhere = clientOf(await another());
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'resumed' }));
    const { next } = watching(elsewhere, 'resumed', { lastVersion: 2n });

    expect(await next()).toMatchObject({ version: 2, balances: ['USD 90 90 0'], causes: [] });
  });

  test('waits for a version that is not there yet', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'ahead' }));
    const { next } = watching(client, 'ahead', { lastVersion: 2n });
    const first = next();
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'ahead' }));

    expect(await first).toMatchObject({ version: 2 });
  });

  test('is refused after a while if it never comes', async () => {
    const { failure } = watching(client, 'ahead', { lastVersion: 99n });

    expect(await failure()).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_CAUGHT_UP', retryMs: 200 });
  });
});

describe('a watch of a book that nobody has written to for long', () => {
  test('begins with the balance of now', async () => {
    time.now = day(10);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'old', expiresAt: at(day(12)) }));
    time.now = day(15);

    expect(await watching(client, 'old').next()).toMatchObject({ asOf: day(15), balances: ['USD 0 0 0'] });
  });
});

describe('a quiet watch', () => {
  test('shows that it is alive, by a balance of now', async () => {
    time.now = day(20);
    await caller.answer('CreateGrant', grantRequest({ customerId: 'quiet' }));
    const { next } = watching(client, 'quiet');
    await next();
    time.now += 15_000;

    expect(await next()).toEqual({
      version: 1,
      asOf: day(20) + 15_000,
      balances: ['USD 100 100 0'],
      causes: [],
      heartbeat: true,
    });
  });
});

describe('an instance', () => {
  test('refuses more watches than it has places, and has one again when a stream ends', async () => {
    const small = await another({ maxWatches: 2 });
    const own = clientOf(small);
    const [first, second] = [watching(own, 'ada'), watching(own, 'ada')];
    await first.next();
    await second.next();

    expect(await watching(own, 'ada').failure()).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_WATCHES',
      metadata: { limit: '2' },
      retryMs: 5_000,
    });
    first.cancel();
    await untilSo('its place is free', () => small.watched().streams === 1);
    expect(await watching(own, 'ada').next()).toMatchObject({ version: 0 });
  });

  test('keeps nothing of streams whose readers have left', async () => {
    const service = await another();
    const own = clientOf(service);
    const streams = Array.from({ length: 30 }, (_, i) =>
      watching(own, `leaver ${i % 10}`, { currencies: [i % 3 === 0 ? 'USD' : 'EUR'] }),
    );
    await Promise.all(streams.map(({ next }) => next()));
    expect(service.watched()).toEqual({ streams: 30, books: 10 });
    for (const { cancel } of streams) cancel();

    await untilSo('no stream is left', () => service.watched().streams === 0);
    expect(service.watched()).toEqual({ streams: 0, books: 0 });
  });

  test('ends its watches when it stops, and says that another will do', async () => {
    const service = await another();
    const { next, failure } = watching(clientOf(service), 'ada');
    await next();
    const stopped = service.stop();

    expect(await failure()).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN', retryMs: 1_000 });
    await stopped;
    expect(service.watched()).toEqual({ streams: 0, books: 0 });
  });

  test('ends its watches when it can no longer tell whether they are current', async () => {
    const service = await another({ staleAfterMs: 3_000 });
    const { next, failure } = watching(clientOf(service), 'ada');
    await next();
    await sql.rows('alter table books rename to books_elsewhere');
    time.now += 1_000;
    time.now += 3_000;

    expect(await failure()).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      retryMs: 1_000,
    });
    await sql.rows('alter table books_elsewhere rename to books');
  });

  test('ends the watch of a book that can no longer be loaded, and no other', async () => {
    for (const customerId of ['stuck', 'fine'])
      await caller.answer('CreateGrant', grantRequest({ customerId }));
    // Long beside a step of the clock: however slow the machine, the poll is answered before it counts as silent.
    const service = await another({ staleAfterMs: 200_000 });
    const own = clientOf(service);
    const [stuck, fine] = [watching(own, 'stuck'), watching(own, 'fine')];
    await Promise.all([stuck.next(), fine.next()]);
    await sql.rows('alter table grants rename to grants_elsewhere');
    await sql.rows(`update books set version = version + 1 where customer_id = 'stuck'`);
    let failure: object | undefined;
    void stuck.failure().then((found) => (failure = found));
    const second = () => {
      time.now += 1_000;
      return failure !== undefined;
    };
    // Slowly enough for looks at the database, which must not seem to be silent.
    await untilSo('the stream ends', second, 250);
    await sql.rows('alter table grants_elsewhere rename to grants');
    await caller.answer('ConsumeCredits', spendRequest({ customerId: 'fine' }));
    time.now += 1_000;

    expect(failure).toMatchObject({ code: 'INTERNAL' });
    expect(await fine.news()).toMatchObject({ version: 2, balances: ['USD 90 90 0'] });
  });

  test('goes on when the database was away for a moment', async () => {
    await caller.answer('CreateGrant', grantRequest({ customerId: 'blink' }));
    const service = await another();
    const elsewhere = await another();
    const { next } = watching(clientOf(service), 'blink');
    await next();
    await sql.rows('alter table books rename to books_elsewhere');
    time.now += 1_000;
    await sql.rows('alter table books_elsewhere rename to books');
    await elsewhere.answer('ConsumeCredits', spendRequest({ customerId: 'blink' }));
    time.now += 1_000;

    expect(await next()).toMatchObject({ version: 2, balances: ['USD 90 90 0'] });
  });
});
