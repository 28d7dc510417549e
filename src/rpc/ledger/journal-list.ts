import type { ListEntriesRequest, ListTransactionsRequest } from '#gen/ledger/v1/journal_pb.ts';
import type { BookView } from '../../book/view.ts';
import { ALWAYS, NEVER } from '../../instant.ts';
import type { JournalCursor } from '../../ledger/journal-walks.ts';
import { askedAt, filterOfKind } from '../decode.ts';
import { pageSizeOf, POSITION, VERSION } from '../page-token.ts';
import { ofPage, PINNED, pinnedTo, type Pinned } from '../pinned-pages.ts';
import { instantOf, textOf } from '../wire.ts';

type Cursor = Pinned & { readonly afterVersion: number; readonly position: number };

export const CURSOR = { ...PINNED, afterVersion: VERSION, position: POSITION };

/** What both lists ask. */
export const questionOf = (
  request: ListEntriesRequest | ListTransactionsRequest,
  page: Cursor | undefined,
) => ({
  ...ofPage(askedAt({ ...request, asOf: undefined }), page),
  after: { version: page?.afterVersion ?? 0, position: page?.position ?? 0 },
  limit: pageSizeOf(request),
  bookedFrom: instantOf(request.bookedFrom) ?? ALWAYS,
  bookedTo: instantOf(request.bookedTo) ?? NEVER,
  grantId: filterOfKind('grt', request.grantId),
  chargeId: filterOfKind('chg', request.chargeId),
  actor: textOf(request.actor),
});

/** Where the page behind `next` begins, if there is one. */
export const cursorAt = (view: BookView, next: JournalCursor | null): Cursor | null =>
  next === null ? null : { ...pinnedTo(view), afterVersion: next.version, position: next.position };
