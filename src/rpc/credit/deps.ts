import type { Books } from '../../book/books.ts';
import type { CommitDeps } from '../../book/commit.ts';
import type { Currencies } from '../../book/currencies.ts';
import type { Validate } from '../validation.ts';

/** What the handlers of both services work with. */
export type ServiceDeps = CommitDeps & {
  readonly books: Books;
  readonly currencies: Currencies;
  /** The most verifications at once: each holds a connection, and a snapshot that holds up vacuum. */
  readonly verifications: number;
  /** For the items of batches: each is validated for itself, so that one bad item concerns its caller alone. */
  readonly validate: Validate;
};
