import { nextEvent } from '../credit/advance-to.ts';
import { asksWhole, balancesIn, type AskedBalance, type Figures } from '../credit/figures.ts';
import type { Instant } from '../instant.ts';
import type { OpenBook } from './book-cache.ts';
import { stateNow } from './state-at.ts';
import type { BookView } from './view.ts';

/** The whole balance of an open book at each instant from one until another. */
type Lasting = {
  readonly version: number;
  readonly from: Instant;
  /** Exclusive. */
  readonly until: Instant;
  readonly balances: readonly AskedBalance[];
};

const lasting = new WeakMap<OpenBook, Lasting>();

/**
 * The figures asked for of an open book at its latest version, at an instant from its clock on. The whole balance, which
 * most ask for, is worked out once and given for as long as it lasts.
 *
 * It lasts until the next instant at which the book changes by itself: before that nothing is booked, so a later state is
 * the same but for its clock. Settled and pending are sums over the state; live weighs the charges that are open at the
 * instant, and that one begins or ceases to weigh is such a change, too; and the order in which they take credit is that
 * of the terms since the version was recorded. So the law that nothing changes before the next event
 * (test/credit/laws.test.ts) is all that is made use of. A book that is written is another open book.
 */
export function balancesNow(
  view: Pick<BookView, 'version' | 'clock' | 'asOf' | 'currencies'>,
  open: OpenBook,
  figures: Figures,
): readonly AskedBalance[] {
  const { version, asOf, currencies } = view;
  if (!asksWhole(figures)) return balancesIn(stateNow(view, open), currencies, figures);
  const known = lasting.get(open);
  if (known?.version === version && known.from <= asOf && asOf < known.until) return known.balances;
  const state = stateNow(view, open);
  const balances = balancesIn(state, currencies, figures);
  lasting.set(open, { version, from: asOf, until: nextEvent(state), balances });
  return balances;
}
