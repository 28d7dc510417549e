import type { Books } from '../../book/books.ts';
import type { CommitDeps } from '../../book/commit.ts';
import type { Currencies } from '../../book/currencies.ts';
import type { Feeds } from '../../feed/feeds.ts';
import type { Validate } from '../validation.ts';

/** What the handlers of both services work with. */
export type ServiceDeps = CommitDeps & {
  readonly books: Books;
  readonly currencies: Currencies;
  readonly feeds: Feeds;
  /** For the items of batches: each is validated for itself, so that one bad item concerns its caller alone. */
  readonly validate: Validate;
};
