import type { BookState } from '../credit/book-state.ts';
import type { CauseKind } from '../credit/cause.ts';
import { causeOfWrite } from '../credit/command.ts';
import type { Connection } from '../db/database.ts';
import type { BookKey } from '../tables/book-key.ts';
import { writesSince } from '../ledger/writes.ts';
import { termsReplacedSince } from '../tables/former-terms.ts';
import { grantsOf } from '../tables/grants.ts';

/** What a write was, as far as somebody who follows the book is told. */
export type CommittedWrite = {
  readonly version: number;
  /** What a change of a balance is told to come of; null: it moves no figure, such as booking what time had changed. */
  readonly cause: CauseKind | null;
};

/** What one committed batch did to one book. */
export type Committed = {
  readonly key: BookKey;
  readonly shard: number;
  readonly bookId: number;
  readonly version: number;
  /** The open state it led to, as it has just been stored. */
  readonly state: BookState;
  /** Each currency of a grant, charge or adjustment, sorted. */
  readonly currencies: readonly string[];
  /** In order of version, without gaps. */
  readonly writes: readonly CommittedWrite[];
};

/** A write by what it is called where it is recorded; `voids` where it called a grant off or forfeited it. */
export function committedWrite(version: number, method: string, voids: () => boolean): CommittedWrite {
  const cause = causeOfWrite(method);
  if (cause === null || typeof cause === 'string') return { version, cause };
  return { version, cause: voids() ? cause.voiding : cause.usual };
}

/** What the writes after version `since` were, up to the one known. */
export async function committedSince(
  connection: Connection,
  { shard, bookId, version }: { readonly shard: number; readonly bookId: number; readonly version: number },
  since: number,
): Promise<readonly CommittedWrite[]> {
  if (since >= version) return [];
  const range = { shard, bookId, since, version };
  const writes = await writesSince(connection, range);
  const voiding = writes.some(({ method }) => mayVoid(method))
    ? await voidsSince(connection, range)
    : new Set<number>();
  return writes.map(({ version: at, method }) => committedWrite(at, method, () => voiding.has(at)));
}

const mayVoid = (method: string): boolean => {
  const cause = causeOfWrite(method);
  return cause !== null && typeof cause !== 'string';
};

/** The versions at which a settlement event called a grant off: it changed the grant's payment then. */
async function voidsSince(
  connection: Connection,
  range: { readonly shard: number; readonly bookId: number; readonly since: number },
): Promise<ReadonlySet<number>> {
  const grants = await grantsOf(connection, range, await termsReplacedSince(connection, range));
  return new Set(grants.flatMap(({ voidedVersion }) => voidedVersion ?? []));
}
