import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { VerifyVerdict } from '#gen/ledger/v1/verify_pb.ts';
import { connect, type Database } from '../../src/db/database.ts';
import { allowedToForget, forgetKeys, type ForgettingProgress } from '../../src/write/forget-keys.ts';
import { audit } from '../support/audit.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { verified } from '../support/verifier.ts';
import { testWorld } from '../support/world.ts';

/** Old keys are forgotten with what was asked and answered under them; the books stay sound, and writers do not wait. */

const HOUR = 3_600_000;
const { caller, sql, time, url, databaseUrl, ownerUrl } = await testWorld();
const owner = connect({ url: ownerUrl, poolSize: 2 });
afterAll(() => owner.close());

const forgetting = (database: Database = owner, batch = 1_000, onStep?: (step: ForgettingProgress) => void) =>
  allowedToForget(owner, () =>
    forgetKeys({ database, olderThan: time.now, batch, ...(onStep !== undefined && { onStep }) }),
  );

const spend = (customerId: string, key: string) =>
  caller.answer('ConsumeCredits', {
    ...spendRequest({ ...CREDIT_ONLY, customerId, amount: '1' }),
    idempotencyKey: key,
  });
const isSound = async () => {
  const { findings, summary } = await verified(url, {});
  expect(findings.map(({ message }) => message)).toEqual([]);
  expect(summary.verdict).toBe(VerifyVerdict.SOUND);
};
const remembered = async () => {
  const [row] = await sql.rows<{ writes: number; untold: number }>(
    `select (select count(*) from writes where request is not null) as writes, (select count(*) from idempotency) as untold`,
  );
  return row!;
};

let customers = 0;
/** A customer of the test's own; what anybody did before is an hour old. */
let customerId: string;
beforeEach(() => {
  time.now += HOUR;
  customerId = `customer ${(customers += 1)}`;
});

describe('what is older than the instant', () => {
  test('is forgotten, and a repeat of its key is a new write; what is younger is answered as first', async () => {
    await spend(customerId, 'old');
    time.now += HOUR;
    await forgetting();
    const young = await spend(customerId, 'young');
    await forgetting();

    expect(await spend(customerId, 'young')).toEqual({ ...young, replayed: true });
    expect(await spend(customerId, 'old')).toMatchObject({ version: '3', balance: { settled: '-3' } });
    expect(await spend(customerId, 'old')).toMatchObject({ version: '3', replayed: true });
    await isSound();
  });

  test('goes whole where it took no version', async () => {
    const charge = await caller.answer('CreateCharge', {
      ...spendRequest({ ...CREDIT_ONLY, customerId }),
      type: 'CHARGE_TYPE_FLAT_FEE',
    });
    const collect = { customerId, chargeId: charge['charge'].id, idempotencyKey: 'again' };
    await caller.answer('CollectCharge', { ...collect, idempotencyKey: 'first' });
    await caller.answer('CollectCharge', collect);
    expect((await remembered()).untold).toBe(1);
    time.now += HOUR;
    await forgetting();

    expect(await remembered()).toEqual({ writes: 0, untold: 0 });
    expect((await caller.answer('CollectCharge', collect))['replayed']).toBeUndefined();
    // Its key is told by no write, and that of a write is free.
    expect(
      (await caller.answer('CollectCharge', { ...collect, idempotencyKey: 'first' }))['replayed'],
    ).toBeUndefined();
    expect((await remembered()).untold).toBe(2);
    await isSound();
    expect(await audit(sql)).toEqual([]);
  });

  test('leaves the journal its key', async () => {
    const { version } = await spend(customerId, 'kept');
    time.now += HOUR;
    await forgetting();

    const { transactions } = await caller.answer('ListTransactions', { customerId });
    expect(transactions).toEqual([expect.objectContaining({ version, idempotencyKey: 'kept' })]);
    // What was asked for by a key is found by its answer.
    const byKey = await caller.answer('ListTransactions', { customerId, idempotencyKey: 'kept' });
    expect(byKey['transactions']).toBeUndefined();
  });
});

test('it goes in steps, each of its own; stopped anywhere the books are sound, and another run does the rest', async () => {
  for (let i = 0; i < 10; i += 1) await spend(customerId, `key ${i}`);
  time.now += HOUR;
  const before = await remembered();
  const steps: ForgettingProgress[] = [];
  const stopped = forgetting(owner, 3, (step) => {
    steps.push(step);
    if (step.forgotten >= 6) throw new Error('killed');
  });
  await expect(stopped).rejects.toThrow('killed');

  expect(steps.at(-1)).toMatchObject({ forgotten: 6 });
  expect((await remembered()).writes).toBe(before.writes - 6);
  await isSound();
  expect(await forgetting(owner, 3)).toBe(before.writes - 6);
  await isSound();
});

describe('beside writers', () => {
  /** Its first page that forgets something stays open until it is let go. */
  function heldOpen() {
    const [reached, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const database: Database = {
      ...owner,
      transaction: (work) =>
        owner.transaction(async (connection) => {
          const done = await work(connection);
          if ((done as { forgotten: number }).forgotten > 0) reached.resolve();
          if ((done as { forgotten: number }).forgotten > 0) await letGo.promise;
          return done;
        }),
    };
    return { database, reached: reached.promise, letGo: letGo.resolve };
  }

  test('a page under way keeps nobody waiting, and what it forgets is remembered until it is committed', async () => {
    const first = await spend(customerId, 'old');
    time.now += HOUR;
    const { database, reached, letGo } = heldOpen();
    const run = forgetting(database);
    await reached;

    expect(await spend(customerId, 'new')).toMatchObject({ version: '2' });
    expect(await spend(customerId, 'old')).toEqual({ ...first, replayed: true });
    letGo();
    await run;
    expect(await spend(customerId, 'old')).toMatchObject({ version: '3' });
    await isSound();
  });

  test('of many writes, none is lost, doubled or refused', async () => {
    const customersOfMine = Array.from({ length: 5 }, (_, i) => `${customerId} ${i}`);
    for (const one of customersOfMine) for (let i = 0; i < 20; i += 1) await spend(one, `old ${i}`);
    time.now += HOUR;
    const done = new AbortController();
    const writing = customersOfMine.map(async (one) => {
      let keys = 0;
      for (; !done.signal.aborted || keys < 20; keys += 1) {
        const { version } = await spend(one, `new ${keys}`);
        expect(await spend(one, `new ${keys}`)).toMatchObject({ version, replayed: true });
      }
      return keys;
    });
    await forgetting(owner, 2);
    done.abort();
    const written = await Promise.all(writing);

    for (const [i, one] of customersOfMine.entries()) {
      const { version } = await caller.answer('GetBalance', { customerId: one });
      expect(version).toBe(String(20 + written[i]!));
    }
    await isSound();
  });
});

test('the owner may do it while it is at it, and the service’s role never', async () => {
  const may = async () => {
    const [row] = await sql.rows(`select has_table_privilege('writes', 'update') as writes,
      has_table_privilege('idempotency', 'delete') as idempotency`);
    return row;
  };
  expect(await allowedToForget(owner, may)).toEqual({ writes: true, idempotency: true });
  expect(await may()).toEqual({ writes: false, idempotency: false });
  await expect(allowedToForget(owner, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await may()).toEqual({ writes: false, idempotency: false });

  const service = connect({ url: databaseUrl, poolSize: 1 });
  await spend(customerId, 'k');
  time.now += HOUR;
  const asService = forgetKeys({ database: service, olderThan: time.now, batch: 10 });
  await expect(asService).rejects.toThrow('permission denied');
  await service.close();
});
