import { describe, expect, test } from 'vitest';
import { batchedWorld, NOT_KEPT, postedByHand, submissionOf } from '../support/batched.ts';
import {
  aConsumption,
  aCorrection,
  aGrant,
  aPayment,
  aPosting,
  aRecognition,
  aReschedule,
  aVoid,
  day,
  external,
  until,
} from '../support/builders.ts';
import { charge, grant } from '../support/every-command.ts';
import type { Command } from '../../src/credit/command.ts';
import type { Json } from '../support/service.ts';

/** Examples of law 6: company in a batch that once changed what a write did. */

const { time, sql, commit, submit } = await batchedWorld();

const world = (customerId: string) => ({
  at: async (at: number, ...commands: readonly Command[]): Promise<readonly Json[]> => {
    time.now = at;
    return (await commit(
      commands.map((command) => ({ customerId, command })),
      NOT_KEPT,
    )) as readonly Json[];
  },
});

describe('a consumption told late beside a write that names its grant', () => {
  const named = { grantId: grant('idle') };
  const COMPANY: readonly (readonly [as: string, Command])[] = [
    ['a payment that it had', aPayment(named.grantId, 'SETTLED')],
    ['a reschedule', aReschedule(named.grantId, { expiresAt: day(9) })],
    ['a void that is refused', aVoid(grant('none'))],
  ];

  test.each(COMPANY)('takes what it takes alone: %s', async (as, company) => {
    const book = world(as);
    await book.at(day(1), aGrant({ ...named, paid: external('ON_CREATION', 'SETTLED') }));
    await book.at(day(2), aConsumption({ chargeId: charge('all of it'), amount: '60' }));
    await book.at(day(2.5), aCorrection(charge('all of it'), '60'));
    const modes = ['PREPAID_ONLY', 'CREDIT_ONLY', 'CREDIT_THEN_INVOICE'] as const;
    const late = modes.map((mode, i) =>
      aConsumption({ chargeId: charge(mode), amount: i === 0 ? '30' : '5', mode, bookedAt: day(1.5) }),
    );

    const [, ...spent] = await book.at(day(3), company, ...late);
    expect(spent).toMatchObject(
      ['30', '5', '5'].map((amount) => ({
        answer: {
          collection: {
            allocations: [{ ...named, amount: `${BigInt(amount) * 10n ** 12n}n` }],
            advanced: '0n',
            invoiced: '0n',
          },
        },
      })),
    );
  });
});

describe('a manual posting', () => {
  test('is reversed once by two who ask at once: the second is refused, and nobody else hears of it', async () => {
    const book = world('reversed');
    await book.at(day(1), aPosting('3'));
    const [transactionId] = await postedByHand(sql, 'reversed');
    const reversal = { kind: 'reverseManually', transactionId: transactionId!, reason: 'wrong' } as const;

    expect(await book.at(day(2), reversal, reversal, aGrant({ grantId: grant('other') }))).toMatchObject([
      { version: 2 },
      { reason: 'ROUTING_RULE', metadata: { id: transactionId, state: 'REVERSED' } },
      { version: 3 },
    ]);
  });
});

describe('revenue', () => {
  const owing = async (customerId: string) => {
    const book = world(customerId);
    await book.at(day(1), aConsumption({ chargeId: charge('owes'), amount: '15', mode: 'CREDIT_ONLY' }));
    return book;
  };
  const ten = { amount: '10', paid: external('ON_CREATION', 'SETTLED') };
  const recognized = { answer: { recognition: { units: `${10n * 10n ** 12n}n` } } };

  test('is recognized of an advance that credit has just fallen due to cover', async () => {
    const book = await owing('due');
    await book.at(day(1), aGrant({ grantId: grant('ahead'), effectiveAt: day(2), ...ten }));

    expect(await book.at(day(3), aRecognition())).toMatchObject([recognized]);
  });

  test('is recognized of an advance that a grant of the same batch covers', async () => {
    const book = await owing('company');

    expect(await book.at(day(3), aGrant({ grantId: grant('covers'), ...ten }), aRecognition())).toMatchObject(
      [{}, recognized],
    );
  });
});

describe('a success that changes nothing', () => {
  test('answers the balance of now beside the last version, though what fell due since is not booked', async () => {
    const book = world('unchanged');
    await book.at(day(1), aGrant({ grantId: grant('ends'), expiry: until(day(2)) }));
    await book.at(day(1), aGrant({ grantId: grant('ahead'), amount: '40', effectiveAt: day(2) }));

    const [heard] = await book.at(day(3), aReschedule(grant('ahead'), { expiresAt: Infinity }));
    expect(heard).toMatchObject({
      changed: false,
      version: 2,
      recordedAt: day(1),
      balance: { settled: `${40n * 10n ** 12n}n`, pending: '0n' },
    });
  });
});

describe('an answer that cannot be told', () => {
  test('is of a write that did not happen, and no other knows of it', async () => {
    time.now = day(1);
    const asked = (name: string, key: string) =>
      submissionOf({ customerId: 'untold', command: aGrant({ grantId: grant(name) }), key });
    const first = asked('first', 'a');
    const untold = {
      ...asked('untold', 'b'),
      reply: {
        ...asked('untold', 'b').reply,
        encode: () => {
          throw new Error('it cannot be told');
        },
      },
    };

    const results = await submit([first, untold, asked('last', 'b')]);
    expect(results).toMatchObject([
      { ok: true, message: { version: 1 } },
      { ok: false, error: { message: 'it cannot be told' } },
      { ok: true, message: { version: 2, balance: { settled: `${200n * 10n ** 12n}n` } } },
    ]);
  });
});
