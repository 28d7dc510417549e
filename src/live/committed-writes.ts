import type { BookState } from '../credit/book-state.ts';
import type { Connection } from '../db/database.ts';
import type { BookKey } from '../tables/book-key.ts';
import { writesSince } from '../ledger/writes.ts';
import { termsReplacedSince } from '../tables/former-terms.ts';
import { loadGrants } from '../tables/grant-rows.ts';

/** What a write was, as far as somebody who follows the book is told. */
export type CommittedWrite = {
  readonly version: number;
  /** The RPC's name. */
  readonly method: string;
  /** Whether it called a grant off or forfeited it: a settlement event may. */
  readonly voids: boolean;
};

/** What one committed batch did to one book. */
export type Committed = {
  readonly key: BookKey;
  readonly shard: number;
  readonly bookId: string;
  readonly version: number;
  /** The state it led to, as it has just been stored; it may hold closed facts that commands named. */
  readonly state: BookState;
  /** Each currency of a grant, charge or adjustment, sorted. */
  readonly currencies: readonly string[];
  /** In order of version, without gaps. */
  readonly writes: readonly CommittedWrite[];
};

/** The RPC whose events may call a grant off. */
export const SETTLEMENT = 'UpdateGrantSettlement';

/** What the writes after version `since` were, up to the one known. */
export async function committedSince(
  connection: Connection,
  { shard, bookId, version }: { readonly shard: number; readonly bookId: string; readonly version: number },
  since: number,
): Promise<readonly CommittedWrite[]> {
  if (since >= version) return [];
  const range = { shard, bookId, since, version };
  const writes = await writesSince(connection, range);
  const voiding = writes.some(({ method }) => method === SETTLEMENT)
    ? await voidsSince(connection, range)
    : new Set<number>();
  return writes.map(({ version: at, method }) => ({
    ...{ version: at, method },
    voids: method === 'VoidGrant' || voiding.has(at),
  }));
}

/** The versions at which a settlement event called a grant off: it changed the grant's payment then. */
async function voidsSince(
  connection: Connection,
  range: { readonly shard: number; readonly bookId: string; readonly since: number },
): Promise<ReadonlySet<number>> {
  const { shard, bookId } = range;
  const grantIds = await termsReplacedSince(connection, range);
  const grants = await loadGrants(
    connection,
    grantIds.map((grantId) => ({ shard, bookId, grantId })),
  );
  return new Set(grants.flatMap(({ voided_version: version }) => (version === null ? [] : [version])));
}
