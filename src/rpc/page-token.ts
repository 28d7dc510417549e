import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { isId, type IdPrefix } from '../id.ts';
import { EARLIEST, LATEST, NEVER, type Instant } from '../instant.ts';
import { refuse } from '../refusal.ts';
import { sealOf } from './seal.ts';

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 1_000;

/** The page size to use: unset means 50, more than 1,000 is cut. */
export function pageSizeOf(request: { readonly pageSize: number }): number {
  return request.pageSize <= 0 ? DEFAULT_PAGE_SIZE : Math.min(request.pageSize, LARGEST_PAGE_SIZE);
}

/** One value of a cursor as text, read as strictly as a field of a request; undefined: it is none. */
export type Part<T> = { write(value: T): string; read(text: string): T | undefined };

/** Every part a cursor has, in the order in which they are written. */
export type TokenParts<Cursor> = { readonly [Key in keyof Cursor]: Part<Cursor[Key]> };

/** The tokens of one list: opaque texts that say where a page begins. */
export type PageTokens<Request, Cursor> = {
  /** A token for the page at `cursor`, good for requests that ask the same question; empty where there is no page. */
  write(request: Request, cursor: Cursor | null): string;
  /**
   * The cursor in the request's page token; undefined for the first page.
   * @throws PAGE_TOKEN_MISMATCH when the token was made for another question, or not by this service.
   */
  read(request: Request & { readonly pageToken: string }): Cursor | undefined;
};

// What may differ from page to page. `min_version` says how fresh an answer must be, not what is asked; `known_at` is in
// the token itself, so a page may name it or not.
const NOT_PART_OF_THE_QUERY: ReadonlySet<string> = new Set([
  'page_token',
  'page_size',
  'min_version',
  'known_at',
]);

/**
 * The tokens of a list whose cursors have these parts. The seal is no secret, so what a token holds is input: a token is
 * taken only if it is, to the last character, what would be written for the cursor read from it.
 */
export function pageTokens<S extends DescMessage, Cursor>(
  schema: S,
  parts: TokenParts<Cursor>,
): PageTokens<MessageShape<S>, Cursor> {
  const named = Object.entries(parts) as [keyof Cursor & string, Part<unknown>][];
  const textOf = (cursor: Cursor): string =>
    JSON.stringify(named.map(([key, part]) => part.write(cursor[key])));
  const cursorOf = (text: string): Cursor | undefined => {
    const texts = textsOf(text);
    if (texts?.length !== named.length) return undefined;
    const values = named.map(([key, part], i) => [key, part.read(texts[i]!)] as const);
    if (values.some(([, value]) => value === undefined)) return undefined;
    const cursor = Object.fromEntries(values) as Cursor;
    return textOf(cursor) === text ? cursor : undefined;
  };
  return {
    write: (request, cursor) =>
      cursor === null
        ? ''
        : sealOf(schema, request, NOT_PART_OF_THE_QUERY).close(Buffer.from(textOf(cursor))),
    read: (request) => {
      if (request.pageToken === '') return undefined;
      const body = sealOf(schema, request, NOT_PART_OF_THE_QUERY).open(request.pageToken);
      return (body === undefined ? undefined : cursorOf(body.toString())) ?? pageTokenMismatch();
    },
  };
}

function textsOf(json: string): readonly string[] | undefined {
  let texts: unknown;
  try {
    texts = JSON.parse(json);
  } catch {
    return undefined;
  }
  return Array.isArray(texts) && texts.every((text) => typeof text === 'string') ? texts : undefined;
}

/** Refuses a token whose question is another, or whose row the list does not have. */
export function pageTokenMismatch(): never {
  return refuse(
    'PAGE_TOKEN_MISMATCH',
    'page_token: it belongs to a request with other arguments, or is damaged; start over without it',
    { field: 'page_token', rule: 'page_token' },
  );
}

const within = (least: number, most: number): Part<number> => ({
  write: String,
  read: (text) => {
    const value = /^-?[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? value : undefined;
  },
});

/** An instant of the years 1 to 9999. */
export const INSTANT: Part<Instant> = within(EARLIEST, LATEST);

/** The same, or the one that never comes. */
export const INSTANT_OR_NEVER: Part<Instant> = {
  write: (instant) => (instant === NEVER ? 'never' : INSTANT.write(instant)),
  read: (text) => (text === 'never' ? NEVER : INSTANT.read(text)),
};

/** A version of a book. */
export const VERSION: Part<number> = within(0, Number.MAX_SAFE_INTEGER);

/** A place within a version. */
export const POSITION: Part<number> = within(0, 2 ** 31 - 1);

const matching = <Text extends string>(matches: (text: string) => boolean): Part<Text> => ({
  write: (text) => text,
  read: (text) => (matches(text) ? (text as Text) : undefined),
});

/** An id of this kind. */
export const idPart = (prefix: IdPrefix): Part<string> => matching((text) => isId(prefix, text));

/** A text of this form. */
export const textPart = (form: RegExp): Part<string> => matching((text) => form.test(text));

/** One of these words. */
export const wordPart = <Word extends string>(...words: readonly Word[]): Part<Word> =>
  matching((text) => (words as readonly string[]).includes(text));
