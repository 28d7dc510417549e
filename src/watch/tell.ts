import { formatAmount } from '../amount.ts';
import type { Passing } from '../credit/passing.ts';
import { inScope } from '../scope.ts';
import type { CauseKind } from '../credit/cause.ts';
import { balancesIn } from '../credit/figures.ts';
import { printOf, thresholdFigures, type BalanceMessage } from './message.ts';
import type { Audience, Figures, WatchedBook } from './watched-book.ts';

/** Why a book has changed: through writes, or through what has come to pass by itself. */
export type Change = { readonly causes: readonly CauseKind[]; readonly passings: readonly Passing[] };

/** Tells every audience of a book that has changed, if it is news to it. */
export function tellAll(book: WatchedBook, change: Change): void {
  for (const audience of book.audiences.values()) tell(audience, change);
}

function tell(audience: Audience, change: Change): void {
  const before = audience.current;
  // Nobody has been told anything yet: the first message will be of how things are by then.
  if (before === null) return;
  const now = figuresOf(audience);
  audience.current = now;
  if (now.print !== before.print) note(audience, change);
  if (now.figures === before.figures) return;
  const message = messageNow(audience, [...audience.causes]);
  audience.causes.clear();
  for (const mailbox of audience.mailboxes) mailbox.offer(message);
}

/** How things are, at the instant the book stands at. */
export function messageNow(
  audience: Audience,
  causes: readonly CauseKind[] = [],
  heartbeat = false,
): BalanceMessage {
  audience.current ??= figuresOf(audience);
  const { balances, below, figures } = audience.current;
  const { version, state } = audience.book;
  return { version, asOf: state.clock, balances, below, figures, causes, heartbeat };
}

function figuresOf({ book, watched }: Audience): Figures {
  const balances = balancesIn(book.state, book.currencies, watched);
  const figures = thresholdFigures(book.state, watched);
  const below = watched.below.filter(({ amount }, i) => figures[i]! < amount);
  const print = [printOf(balances), ...figures.map(formatAmount)].join('; ');
  const crossings = () => watched.below.map((threshold) => below.includes(threshold)).join(' ');
  return { balances, below, print, figures: watched.below.length === 0 ? print : crossings() };
}

/** Adds what has moved the figures; what has come to pass out of sight has not. */
function note({ causes, watched }: Audience, change: Change): void {
  for (const cause of change.causes) causes.add(cause);
  const { currencies, scope, below } = watched;
  const seen = new Set([...currencies, ...below.map(({ currency }) => currency)]);
  for (const { cause, currency, featureKeys } of change.passings) {
    if ((currencies.length === 0 || seen.has(currency)) && inScope(scope, featureKeys)) causes.add(cause);
  }
}
