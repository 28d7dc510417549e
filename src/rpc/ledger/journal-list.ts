import type { BookView } from '../../book/view.ts';
import { ALWAYS, NEVER } from '../../instant.ts';
import type { JournalCursor } from '../../ledger/journal-pages.ts';
import type { ListEntriesRequest, ListTransactionsRequest } from '#gen/ledger/v1/journal_pb.ts';
import { filterOfKind, keyOf, momentOf } from '../decode.ts';
import { pageSizeOf, POSITION, VERSION } from '../page-token.ts';
import { momentOfPage, PINNED, pinnedTo, type Pinned } from '../pinned-pages.ts';
import { instantOf } from '../wire.ts';

type Cursor = Pinned & { readonly afterVersion: number; readonly position: number };

/** What both lists ask. */
export function questionOf(request: ListEntriesRequest | ListTransactionsRequest, page: Cursor | undefined) {
  return {
    ...{ key: keyOf(request), minVersion: Number(request.minVersion) },
    ...momentOfPage(momentOf({ knownAt: request.knownAt }), page),
    after: { version: page?.afterVersion ?? 0, position: page?.position ?? 0 },
    limit: pageSizeOf(request),
    bookedFrom: instantOf(request.bookedFrom) ?? ALWAYS,
    bookedTo: instantOf(request.bookedTo) ?? NEVER,
    ...{ grantId: filterOfKind('grt', request.grantId), chargeId: filterOfKind('chg', request.chargeId) },
  };
}

export const CURSOR = { ...PINNED, afterVersion: VERSION, position: POSITION };

export const cursorAt = (view: BookView, { version, position }: JournalCursor): Cursor => ({
  ...{ ...pinnedTo(view), afterVersion: version, position },
});
