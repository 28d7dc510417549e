import { FORMAT, GENESIS } from '../ledger/hash.ts';
import { about, hashAfter, named, type Whole } from './check-transaction.ts';
import type { JournalFinding } from './journal-finding.ts';
import type { Written } from './written.ts';

/** The hash chain of a book up to some link. */
export type Chain = {
  /** What the next link may build on: the last as stored; where that is wrong also as it should be. */
  heads: readonly Buffer[];
  /** A write is missing, which is told as that: nobody knows its link. */
  lost: boolean;
};

export const noChain = (): Chain => ({ heads: [GENESIS], lost: false });

/** What the link of a write should be by its rows, and what those are about. */
export type Sealed = {
  linkAfter(before: Buffer): Buffer;
  readonly about: { readonly grantId?: string; readonly chargeId?: string };
};

/** A link is over the one before it and its own content; after a break the chain goes on from what is stored. */
function follow(chain: Chain, stored: Buffer, linkAfter: (before: Buffer) => Buffer | null): Buffer | null {
  const should = chain.heads.map(linkAfter).filter((hash) => hash !== null);
  const follows = should.length === 0 || chain.lost || should.some((hash) => hash.equals(stored));
  // Where the hash itself was changed, what comes after still builds on what it was.
  chain.heads = follows ? [stored] : [stored, should[0]!];
  chain.lost = false;
  return follows ? null : should[0]!;
}

/** The hash of a transaction, in the format of its write. */
export function checkHash(chain: Chain, whole: Whole): JournalFinding[] {
  const { transaction, entries } = whole;
  // Without its entries nobody knows what it should be.
  const should = follow(chain, transaction.hash, (before) =>
    entries.length === 0 ? null : hashAfter(before, whole),
  );
  if (should === null) return [];
  const message = `${named(transaction)} was changed, or one before it is missing: its hash does not follow`;
  return [{ ...about('HASH_CHAIN', transaction), ...differing(should, transaction.hash), message }];
}

/** The hash of a write, after those of its transactions: over its facts. Not in the first format. */
export function checkLink(
  chain: Chain,
  { version, write }: Written,
  sealed: Sealed | null,
): JournalFinding[] {
  if (write === null) {
    chain.lost = true;
    return [];
  }
  const { format, hash, method } = write;
  if (format === 1) return [];
  if (format !== FORMAT || hash === null || sealed === null) {
    const message = `the hash of version ${version} (${method}) is of format ${format}, which is not known`;
    chain.lost = true;
    return [
      { kind: 'HASH_CHAIN', version, expected: `format ${FORMAT}`, actual: `format ${format}`, message },
    ];
  }
  const should = follow(chain, hash, sealed.linkAfter);
  if (should === null) return [];
  const message = `what version ${version} (${method}) recorded was changed, or something before it is missing: its hash does not follow`;
  return [{ kind: 'HASH_CHAIN', version, ...sealed.about, ...differing(should, hash), message }];
}

/** The book ends on the last link. */
export function checkHead(
  { heads, lost }: Chain,
  { version, headHash }: { readonly version: number; readonly headHash: Buffer },
): JournalFinding[] {
  if (lost || heads.some((hash) => hash.equals(headHash))) return [];
  const message = `the journal does not end on the hash its book knows: what was written last was changed or is missing`;
  return [{ kind: 'HASH_CHAIN', version, ...differing(headHash, heads[0]!), message }];
}

const differing = (expected: Buffer, actual: Buffer) => ({
  expected: expected.toString('hex'),
  actual: actual.toString('hex'),
});
