import { GENESIS } from '../journal.ts';
import { about, hashAfter, named, type Whole } from './check-transaction.ts';
import type { JournalFinding } from './finding.ts';

/** The hash chain of a book up to some transaction. */
export type Chain = {
  /** The hashes the next transaction may build on: of the last as stored; where that is wrong also as it should be. */
  heads: readonly Buffer[];
};

export const noChain = (): Chain => ({ heads: [GENESIS] });

/** A transaction's hash is over the one before it and its own content; after a break it goes on from what is stored. */
export function checkHash(chain: Chain, whole: Whole): JournalFinding[] {
  const { transaction } = whole;
  // Without its entries nobody knows what it should be.
  const should =
    whole.entries.length === 0
      ? []
      : chain.heads.map((before) => hashAfter(before, whole)).filter((hash) => hash !== null);
  const follows = should.length === 0 || should.some((hash) => hash.equals(transaction.hash));
  // Where the hash itself was changed, what comes after still builds on what it was.
  chain.heads = follows ? [transaction.hash] : [transaction.hash, should[0]!];
  if (follows) return [];
  const [expected, actual] = [should[0]!.toString('hex'), transaction.hash.toString('hex')];
  const message = `${named(transaction)} was changed, or one before it is missing: its hash does not follow`;
  return [{ ...about('HASH_CHAIN', transaction), expected, actual, message }];
}

/** The book ends on the hash of its last transaction. */
export function checkHead(
  { heads }: Chain,
  { version, headHash }: { readonly version: number; readonly headHash: Buffer },
): JournalFinding[] {
  if (heads.some((hash) => hash.equals(headHash))) return [];
  const [expected, actual] = [headHash.toString('hex'), heads[0]!.toString('hex')];
  const message = `the journal does not end on the hash its book knows: its last transaction was changed or is missing`;
  return [{ kind: 'HASH_CHAIN', version, expected, actual, message }];
}
