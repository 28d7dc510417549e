import { afterAll, describe, expect, test } from 'vitest';
import { createBookCache, type BookCache, type OpenBook } from '../../src/book/book-cache.ts';
import type { Command } from '../../src/credit/command.ts';
import { advancesOf } from '../../src/credit/pools.ts';
import { batchedWorld, NOT_KEPT } from '../support/batched.ts';
import {
  aCollection,
  aConsumption,
  aCharge,
  aCorrection,
  aGrant,
  anAdjustmentDown,
  aReschedule,
  day,
  until,
} from '../support/builders.ts';
import { charge, grant } from '../support/every-command.ts';
import { testService } from '../support/service.ts';
import { verified } from '../support/verifier.ts';

/** Verification tells what the law would not have done, in books that are sound in every other way. */

const { time, commit, databaseUrl } = await batchedWorld();
const service = await testService(databaseUrl, { clock: time.clock });
afterAll(() => service.stop());

type Lie = (open: OpenBook) => OpenBook;

/** Writes that are decided by what is not so. */
async function writeBelieving(lie: Lie, customerId: string, at: number, ...commands: readonly Command[]) {
  // A refused write, so that the book is kept as it is; then it is another one that is found.
  const kept = createBookCache(1_000);
  time.now = at;
  const unknown = { customerId, command: aReschedule(grant('none'), {}) };
  await commit([unknown], kept);
  const lying: BookCache = {
    find: (mark) => {
      const open = kept.find(mark);
      return open === undefined ? undefined : lie(open);
    },
    keep: () => undefined,
  };
  const plays = commands.map((command) => ({ customerId, command }));
  expect(await commit(plays, lying)).toMatchObject(commands.map(() => ({ changed: true })));
}

async function write(customerId: string, at: number, ...commands: readonly Command[]) {
  time.now = at;
  const plays = commands.map((command) => ({ customerId, command }));
  expect(await commit(plays, NOT_KEPT)).toMatchObject(commands.map(() => ({ changed: true })));
}

const without =
  (name: string): Lie =>
  (open) => ({ ...open, grants: open.grants.without(grant(name)) });

const withPriority =
  (name: string, priority: number): Lie =>
  (open) => ({
    ...open,
    grants: open.grants.with({ ...open.grants.get(grant(name))!, priority }),
  });

const told = async (customerId: string) => {
  const { findings, kinds } = await verified(service.url, { customerId });
  return findings.map((finding, i) => ({ ...finding, kind: kinds[i]! }));
};

const idle = aGrant({ grantId: grant('idle') });
const spend = aConsumption({ chargeId: charge('spend'), amount: '40' });

describe('a split that the law would not have made', () => {
  test('is told: credit of later use was taken first', async () => {
    await write('order', day(1), idle, aGrant({ grantId: grant('later'), priority: 20 }));
    await writeBelieving(withPriority('later', 1), 'order', day(2), spend);

    expect(await told('order')).toMatchObject([
      {
        kind: 'WRONG_SPLIT',
        chargeId: charge('spend'),
        version: 3n,
        expected: `40 of ${grant('idle')}`,
        actual: `40 of ${grant('later')}`,
      },
    ]);
  });

  test('is told: an adjustment took credit of later use first', async () => {
    await write(
      'adjusted',
      day(1),
      idle,
      aGrant({ grantId: grant('later'), priority: 20, featureKeys: ['f'] }),
    );
    await writeBelieving(withPriority('later', 1), 'adjusted', day(2), anAdjustmentDown({ featureKey: 'f' }));

    expect(await told('adjusted')).toMatchObject([{ kind: 'WRONG_SPLIT', version: 3n }]);
  });

  test.each([
    ['all of it', '40'],
    ['part of it', '130'],
  ])('is told: %s was handed back for invoicing while there was credit', async (as, amount) => {
    const featureKey = as === 'all of it' ? null : 'f';
    const mode = 'CREDIT_THEN_INVOICE';
    await write(as, day(1), idle, aGrant({ grantId: grant('other'), featureKeys: ['f'] }));
    const asked = aConsumption({ chargeId: charge(as), amount, mode, featureKey });
    await writeBelieving(without('idle'), as, day(2), asked);

    expect(await told(as)).toMatchObject([{ kind: 'WRONG_SPLIT', chargeId: charge(as), version: 3n }]);
  });

  test('is told: a collection of an open charge was handed back while there was credit', async () => {
    await write('open', day(1), idle, aCharge({ chargeId: charge('open'), mode: 'CREDIT_THEN_INVOICE' }));
    await writeBelieving(without('idle'), 'open', day(2), aCollection(charge('open')));

    expect(await told('open')).toMatchObject([
      { kind: 'WRONG_SPLIT', version: 3n, expected: `10 of ${grant('idle')}`, actual: 'nothing' },
    ]);
  });
});

describe('an advance beside idle credit', () => {
  test('is told, with the split that should not have needed it', async () => {
    await write('advance', day(1), idle);
    await writeBelieving(without('idle'), 'advance', day(2), { ...spend, mode: 'CREDIT_ONLY' });

    expect(await told('advance')).toMatchObject([
      { kind: 'WRONG_SPLIT', version: 2n, actual: 'nothing' },
      {
        kind: 'IDLE_CREDIT',
        chargeId: charge('spend'),
        grantId: grant('idle'),
        version: 2n,
        actual: '40 uncovered beside 100',
      },
    ]);
  });

  test('is told once, where it begins: a grant that did not cover it', async () => {
    await write('covering', day(1), { ...spend, mode: 'CREDIT_ONLY' });
    await writeBelieving((open) => ({ ...open, advances: advancesOf() }), 'covering', day(2), idle);
    await write('covering', day(3), aGrant({ grantId: grant('next'), featureKeys: ['f'] }));

    expect(await told('covering')).toMatchObject([
      { kind: 'IDLE_CREDIT', grantId: grant('idle'), version: 2n },
    ]);
  });

  test('is not told of credit that it could not have used: gone, of another feature, or given back too late', async () => {
    await write('fine', day(1), aGrant({ grantId: grant('gone'), expiry: until(day(2)) }));
    await write('fine', day(1), aGrant({ grantId: grant('feature'), featureKeys: ['f'] }));
    await write('fine', day(1), aConsumption({ chargeId: charge('before'), amount: '60' }));
    await write('fine', day(3), { ...spend, mode: 'CREDIT_ONLY' }, aCorrection(charge('before'), '20'));

    expect(await told('fine')).toEqual([]);
  });
});
