import type { Moment } from '../book/view.ts';
import type { Instant } from '../instant.ts';
import { INSTANT, pageTokenMismatch, VERSION, type TokenParts } from './page-token.ts';

/**
 * Every page of a list is of the moment its first was of, and of the version known then: what is written while somebody
 * pages shows in none of them.
 */
export type Pinned = { readonly asOf: Instant; readonly knownAt: Instant; readonly version: number };

/** Of every token of a list about a customer. */
export const PINNED: TokenParts<Pinned> = { asOf: INSTANT, knownAt: INSTANT, version: VERSION };

/** What the pages behind a first page are of. */
export const pinnedTo = ({ asOf, knownAt, version }: Pinned): Pinned => ({ asOf, knownAt, version });

/**
 * The question of a page: of the first page's moment, else of the one that the request asks about.
 * @throws PAGE_TOKEN_MISMATCH when the request names an instant that is not its token's.
 */
export function ofPage<Question extends Moment>(asked: Question, pinned: Pinned | undefined): Question {
  if (pinned === undefined) return asked;
  const { asOf, knownAt, version } = pinned;
  const agrees = (asked.asOf ?? asOf) === asOf && (asked.knownAt ?? knownAt) === knownAt;
  return agrees ? { ...asked, asOf, knownAt, lastVersion: version } : pageTokenMismatch();
}
