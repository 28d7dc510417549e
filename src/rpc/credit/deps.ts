import type { Books } from '../../book/books.ts';
import type { CommitDeps } from '../../book/commit.ts';
import type { Currencies } from '../../book/currencies.ts';
import type { Hub } from '../../watch/hub.ts';
import type { Places } from '../../watch/places.ts';
import type { Signals } from '../../watch/signals.ts';
import type { Validate } from '../validation.ts';

/** What the handlers of both services work with. */
export type ServiceDeps = CommitDeps & {
  readonly books: Books;
  readonly currencies: Currencies;
  /** Streams of balances. */
  readonly hub: Hub;
  /** Hints of writes on any instance. */
  readonly signals: Signals;
  /** The streams there is room for, of every kind. */
  readonly places: Places;
  /** For the items of batches: each is validated for itself, so that one bad item concerns its caller alone. */
  readonly validate: Validate;
};
