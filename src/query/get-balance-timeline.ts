import type { BookView, WrittenView } from '../book/view.ts';
import { nextSegment } from './timeline/segments.ts';
import type { Connection } from '../db/database.ts';
import { earlier, type Instant } from '../instant.ts';
import { inScope, keysOf } from '../scope.ts';
import { thinning, type Thinned } from '../credit/thinning.ts';
import { asksBooked, type AskedBalance } from '../credit/figures.ts';
import { inOrder, sweep, type Change, type Point, type Running } from '../credit/timeline.ts';
import { balancesOf, type BalanceQuestion } from './get-balance.ts';
import { ask, type QueryDeps, type Viewed } from '../book/questions.ts';
import { standingAt } from './standing.ts';
import { withCauses } from './timeline/causes.ts';
import { within } from './timeline/changes.ts';
import { aheadOf, forecastChanges, learnGrants, pastChanges, type Found } from './timeline/sources.ts';

export type TimelineQuestion = Omit<BalanceQuestion, 'asOf'> & {
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly until: Instant;
  /** Points at most, but for those that always survive (src/credit/thinning.ts). */
  readonly most: number;
  /** How many writes and transactions are held in memory at a time. */
  readonly pieceSize: number;
  /** Ends the work between two pieces of the window. */
  readonly signal: AbortSignal;
};

/**
 * How balances move through a window. The first point is GetBalance's answer; from there on figures are carried by what
 * was booked, promised and charged, and, ahead of what is written, by what running forward books. The past is read in
 * pieces of bounded size and thinned on the way: the work grows with what happened in the window, memory does not.
 */
export const getBalanceTimeline = (
  deps: QueryDeps,
  question: TimelineQuestion,
): Promise<Viewed<Thinned<Point>>> =>
  ask(deps, { ...question, asOf: question.from }, async (connection, view) => {
    const running = await opening(connection, view, question);
    const line = thinning<Point>(question.most);
    line.add({ at: view.asOf, balances: running.balances, causes: [] });
    if (view.bookId === null) return line.thinned();
    for await (const changes of changesOf(connection, view, running, question)) {
      for (const point of sweep(running, changes)) line.add(point);
      forgetExhausted(running);
    }
    const { points, total } = line.thinned();
    return { points: await withCauses(connection, view, points), total };
  });

/** What there is as the window opens. */
async function opening(
  connection: Connection,
  view: BookView,
  { currencies, scope, parts }: TimelineQuestion,
): Promise<Running> {
  const live = parts.has('live');
  const figures = await balancesOf(connection, view, {
    currencies,
    scope,
    parts: live ? new Set([...parts, 'settled']) : parts,
  });
  const asked = new Set(figures.map(({ currency }) => currency));
  const { grants, charges } = live ? await standingAt(connection, view) : { grants: [], charges: [] };
  const amounts = (part: 'settled' | 'pending') =>
    new Map(figures.map((own) => [own.currency, own[part] ?? 0n]));
  return {
    scope,
    parts,
    settled: amounts('settled'),
    pending: amounts('pending'),
    grants: new Map(
      grants
        .filter(({ currency, featureKeys }) => asked.has(currency) && inScope(scope, featureKeys))
        .filter(({ remaining }) => remaining > 0n)
        .map((grant) => [grant.id, { ...grant }]),
    ),
    charges: new Map(
      charges
        .filter(({ currency, status }) => asked.has(currency) && status === 'OPEN')
        .filter(({ featureKey }) => inScope(scope, keysOf(featureKey)))
        .map((charge) => [charge.id, charge]),
    ),
    balances: figures.map(({ settled, ...own }): AskedBalance =>
      parts.has('settled') && settled !== undefined ? { ...own, settled } : own,
    ),
  };
}

/** All that changes after the window's start, piece by piece, each in order of time. */
async function* changesOf(
  connection: Connection,
  book: WrittenView,
  running: Running,
  { until, pieceSize: size, signal }: TimelineQuestion,
): AsyncGenerator<readonly Change[]> {
  const { clock } = book;
  const end = until - 1;
  const ledger = asksBooked(running);
  let after = book.asOf;
  let afterVersion = book.recordedBy;
  let ahead = await aheadOf(connection, book, running);
  const piece = async (through: Instant, { now, later }: Found): Promise<readonly Change[]> => {
    const known = [...now, ...later, ...ahead];
    const all = [...known, ...(await learnGrants(connection, book, running, known))];
    ahead = [...later, ...ahead, ...all.slice(known.length)].filter(({ at }) => at > through);
    const changes = all.filter(within(after, through)).toSorted(inOrder);
    after = through;
    return changes;
  };
  while (after < earlier(end, clock)) {
    signal.throwIfAborted();
    const segment = await nextSegment(connection, book, { after, end: earlier(end, clock), size, ledger });
    const span = { after, afterVersion, ...segment };
    afterVersion = segment.throughVersion;
    const found = await pastChanges(connection, book, running, span);
    yield await piece(segment.through, found);
  }
  if (after < end) {
    const now = await forecastChanges(connection, book, running, { after, through: end });
    yield await piece(end, { now, later: [] });
  }
}

/** A grant that gets credit back is learned again. */
function forgetExhausted({ grants }: Running): void {
  for (const [id, { remaining }] of grants) if (remaining === 0n) grants.delete(id);
}
