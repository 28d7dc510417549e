import { noCurrency, nothing, type CommandSpec } from '../spec.ts';

/** Nobody's wish: books what has fallen due, and nothing else. */
export type BookDue = { readonly kind: 'bookDue' };

export const bookDue = {
  method: 'BookDue',
  cause: null,
  needs: nothing,
  brings: noCurrency,
  // What there was to do has been done before it was looked at.
  decide: () => ({ currency: null }),
} satisfies CommandSpec<BookDue>;
