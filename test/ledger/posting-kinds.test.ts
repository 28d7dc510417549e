import { expect, test } from 'vitest';
import { kindsHeld, POSTING_KINDS, type KindOfPosting } from '../../src/ledger/posting.ts';

test('the type checker misses what is forgotten of a kind of posting', () => {
  const { shows, ...unshown } = POSTING_KINDS.VOID;
  const { cause, ...causeless } = POSTING_KINDS.VOID;
  const { held, ...unheld } = POSTING_KINDS.VOID;

  // @ts-expect-error how the customer's history shows it is missing
  unshown satisfies KindOfPosting;
  // @ts-expect-error what a timeline tells is missing
  causeless satisfies KindOfPosting;
  // @ts-expect-error what it does to the credit of a grant is missing
  unheld satisfies KindOfPosting;
  expect([shows, cause, held]).toEqual(['VOIDED', 'GRANT_VOIDED', 'VOIDED']);
});

test('what a grant forfeits is listed as the index of it is made (migrations/schema.sql)', () => {
  expect(kindsHeld('EXPIRED', 'VOIDED')).toBe(`('EXPIRE', 'EXPIRE_UNDONE', 'VOID')`);
});
