import { chargeEventsWithin, chargesOpenedWithin, lateCollections } from '../../book/charge-history.ts';
import { agreedAsKnown } from '../../book/as-known.ts';
import { formerTermsOf } from '../../tables/former-terms.ts';
import { grantsOf } from '../../tables/grants.ts';
import { runForward } from '../../book/state-at.ts';
import type { WrittenView } from '../../book/view.ts';
import { awaitAll, type Connection } from '../../db/database.ts';
import { settledEntriesWithin, type Span } from '../../ledger/settled.ts';
import { promisesChanging } from '../../pending/index-reader.ts';
import { inScope, keysOf } from '../../scope.ts';
import type { Change, Running } from '../../credit/timeline.ts';
import { asksBooked } from '../../credit/figures.ts';
import { movesSettled } from '../forecast-movements.ts';
import { ofEntry, ofEvent, ofLate, ofOpening, ofOrder, ofPromise, ofWeighing } from './changes.ts';

/** Where a timeline's changes are read. */

/** A span of the past with the versions recorded by its ends. */
type PastSpan = Span & {
  /** The last version recorded by `after`. */
  readonly afterVersion: number;
  /** The last version known and recorded by `through`. */
  readonly throughVersion: number;
};

/** `now`: what changes in a span, in order per charge; `later`: what is known already of what comes after it. */
export type Found = { readonly now: readonly Change[]; readonly later: readonly Change[] };

/** What was written about a span of the past, as known. */
export async function pastChanges(
  connection: Connection,
  book: WrittenView,
  running: Running,
  span: PastSpan,
): Promise<Found> {
  const [entries, promises, charges] = await awaitAll([
    entriesIn(connection, book, running, span),
    promisesIn(connection, book, running, span),
    chargesIn(connection, book, running, span),
  ]);
  return { now: [...charges.now, ...entries, ...promises], later: charges.later };
}

/** What falls due in a span ahead of what is written: the same postings that a write would find. */
export async function forecastChanges(
  connection: Connection,
  book: WrittenView,
  running: Running,
  { after, through }: Span,
): Promise<readonly Change[]> {
  const [promises, { postings }] = await awaitAll([
    promisesIn(connection, book, running, { after, through }),
    asksBooked(running)
      ? runForward(connection, { ...book, asOf: through })
      : Promise.resolve({ postings: [] }),
  ]);
  const entries = postings.flatMap(({ kind, bookedAt: at, legs }) =>
    legs
      .filter((leg) => isAsked(running, leg.account.currency))
      .filter((leg) => movesSettled(leg, leg.account.currency, running.scope))
      .map(({ account: { currency, type }, ...leg }) =>
        ofEntry({ at, kind, currency, ...leg, ofCredit: type === 'CUSTOMER_FBO' }),
      ),
  );
  return [...entries, ...promises];
}

/** What is known in advance of charges that are open as a timeline begins. */
export async function aheadOf(
  connection: Connection,
  book: WrittenView,
  running: Running,
): Promise<readonly Change[]> {
  const charges = [...running.charges.values()];
  const late = await lateCollections(
    connection,
    { ...book, after: book.recordedBy },
    charges.map(({ id }) => id),
  );
  return [
    ...charges.flatMap(ofWeighing),
    ...late.map((event) => ofLate(event, running.charges.get(event.chargeId)!)),
    ...[...running.grants.values()].flatMap(ofOrder),
  ];
}

/** Gets to know the grants that changes are about; answers what is known in advance of them. */
export async function learnGrants(
  connection: Connection,
  book: WrittenView,
  running: Running,
  changes: readonly Change[],
): Promise<readonly Change[]> {
  if (!running.parts.has('live')) return [];
  const unknown = new Set<string>();
  for (const change of changes) {
    if (change.what !== 'settled' || change.holder === null) continue;
    if (!running.grants.has(change.holder)) unknown.add(change.holder);
  }
  const [named, terms] = await awaitAll([
    grantsOf(connection, book, unknown),
    formerTermsOf(connection, book, unknown),
  ]);
  const grants = named.map(({ grant }) => ({
    ...agreedAsKnown(grant, book.version, terms),
    remaining: 0n,
  }));
  for (const grant of grants) running.grants.set(grant.id, grant);
  return grants.flatMap(ofOrder);
}

const isAsked = ({ balances }: Running, currency: string): boolean =>
  balances.some((asked) => asked.currency === currency);

async function entriesIn(
  connection: Connection,
  book: WrittenView,
  running: Running,
  span: Span,
): Promise<readonly Change[]> {
  if (!asksBooked(running)) return [];
  const { scope, balances } = running;
  const currency = balances.length === 1 ? balances[0]!.currency : null;
  const entries = await settledEntriesWithin(connection, { ...book, scope, currency }, span);
  return entries.filter((entry) => isAsked(running, entry.currency)).map(ofEntry);
}

async function promisesIn(
  connection: Connection,
  book: WrittenView,
  running: Running,
  { after, through }: Span,
): Promise<readonly Change[]> {
  if (!running.parts.has('pending')) return [];
  const promises = await promisesChanging(connection, book, after, through);
  return promises
    .filter(({ currency, featureKeys }) => isAsked(running, currency) && inScope(running.scope, featureKeys))
    .flatMap(ofPromise);
}

async function chargesIn(
  connection: Connection,
  book: WrittenView,
  running: Running,
  span: PastSpan,
): Promise<Found> {
  if (!running.parts.has('live')) return { now: [], later: [] };
  const known = { ...book, after: span.afterVersion };
  const recorded = { ...known, version: span.throughVersion };
  const opened = await chargesOpenedWithin(connection, recorded);
  const asked = opened.filter(
    ({ currency, featureKey }) => isAsked(running, currency) && inScope(running.scope, keysOf(featureKey)),
  );
  const made = new Map(asked.map((charge) => [charge.id, charge]));
  const [events, late] = await awaitAll([
    chargeEventsWithin(connection, recorded, [...running.charges.keys(), ...made.keys()]),
    lateCollections(connection, known, [...made.keys()]),
  ]);
  return {
    now: [
      ...asked.map(ofOpening),
      ...events.flatMap((event) => ofEvent(event, made.get(event.chargeId)?.version)),
    ],
    later: [...asked.flatMap(ofWeighing), ...late.map((event) => ofLate(event, made.get(event.chargeId)!))],
  };
}
