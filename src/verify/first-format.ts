import { createHash } from 'node:crypto';
import { subAccountKey } from '../ledger/account.ts';
import type { HashedEntry, HashedTransaction } from '../ledger/hash.ts';

/**
 * The first format of the hash chain: links of transactions alone, over their own content, reasons in clear. Nothing is
 * written in it any more; what was is verified by it.
 */
export function firstFormat(
  before: Buffer,
  { version, ordinal, recordedAt, kind, bookedAt, reason }: HashedTransaction,
  entries: readonly HashedEntry[],
): Buffer {
  const sides = entries.map(({ account, amount, grantId, chargeId, reverses }) => [
    ...[subAccountKey(account), amount.toString(), grantId, chargeId],
    // As it was written: in this order.
    reverses === null ? null : { version: reverses.version, position: reverses.position },
  ]);
  return createHash('sha256')
    .update(before)
    .update(JSON.stringify([version, ordinal, recordedAt, kind, bookedAt, sides, reason]))
    .digest();
}
