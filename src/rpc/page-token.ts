import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { refuse } from '../refusal.ts';
import { sealOf } from './seal.ts';

/** Where a page begins: a few short texts whose meaning only the list's own handler knows. */
export type PageCursor = readonly string[];

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 1_000;

// What may differ from page to page. `min_version` says how fresh an answer must be, not what is asked.
const NOT_PART_OF_THE_QUERY: ReadonlySet<string> = new Set(['page_token', 'page_size', 'min_version']);

/** The page size to use: unset means 50, more than 1,000 is cut. */
export function pageSizeOf(request: { readonly pageSize: number }): number {
  return request.pageSize <= 0 ? DEFAULT_PAGE_SIZE : Math.min(request.pageSize, LARGEST_PAGE_SIZE);
}

/** An opaque token for the page at `cursor`, good for requests that ask the same question. */
export function writePageToken<S extends DescMessage>(
  schema: S,
  request: MessageShape<S>,
  cursor: PageCursor,
): string {
  return sealOf(schema, request, NOT_PART_OF_THE_QUERY).close(Buffer.from(JSON.stringify(cursor)));
}

/**
 * The cursor in the request's page token; undefined for the first page.
 * @throws PAGE_TOKEN_MISMATCH when the token was made for another question, or not by this service.
 */
export function readPageToken<S extends DescMessage>(
  schema: S,
  request: MessageShape<S> & { readonly pageToken: string },
): PageCursor | undefined {
  if (request.pageToken === '') return undefined;
  const body = sealOf(schema, request, NOT_PART_OF_THE_QUERY).open(request.pageToken);
  return body === undefined ? pageTokenMismatch() : cursorOf(body.toString());
}

/** The check is no secret: somebody may have made the token up. */
function cursorOf(body: string): PageCursor {
  let cursor: unknown;
  try {
    cursor = JSON.parse(body);
  } catch {
    return pageTokenMismatch();
  }
  const isCursor = Array.isArray(cursor) && cursor.every((part) => typeof part === 'string');
  return isCursor ? (cursor as PageCursor) : pageTokenMismatch();
}

/** Refuses a token whose question is another, or whose row the list does not have. */
export function pageTokenMismatch(): never {
  return refuse(
    'PAGE_TOKEN_MISMATCH',
    'page_token: it belongs to a request with other arguments, or is damaged; start over without it',
    { field: 'page_token', rule: 'page_token' },
  );
}
