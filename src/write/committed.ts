import { committedWrite, type Committed } from '../live/committed-writes.ts';
import type { WritableBook } from '../book/open-book.ts';
import type { StoredGrant } from '../tables/grants.ts';
import type { Session } from './session.ts';

/** What a batch has done to a book, as those who follow it are told. */
export const committedOf = ({
  key,
  shard,
  bookId,
  state,
  currencies,
  writes,
  known,
}: Session): Committed => ({
  ...{ key, shard, bookId, version: state.version, state },
  currencies: Object.keys(currencies).toSorted(),
  writes: writes.map(({ version, method }) =>
    committedWrite(version, method, () =>
      [...known.grants.values()].some((grant) => grant.voidedVersion === version),
    ),
  ),
});

/** What is open in a book after a batch, from what the session knows of it: the same a later load would find. */
export const openAfter = ({ known, state, head }: Session): WritableBook => ({
  grants: [...known.grants.values()].filter(isOpen).map(withoutPast),
  charges: [...known.charges.values()].filter(isOpen),
  advances: [...state.advances.values()].filter(({ uncovered }) => uncovered > 0n),
  subAccounts: head.subAccounts,
});

const isOpen = ({ closedVersion }: { readonly closedVersion: number | null }): boolean =>
  closedVersion === null;

const withoutPast = (own: StoredGrant): StoredGrant =>
  own.grant.moves.length === 0 && own.grant.formerTimes.length === 0
    ? own
    : { ...own, grant: { ...own.grant, moves: [], formerTimes: [] } };
