import { spanClass } from '../../src/db/span.ts';
import type { BookFacts, Row } from './rebuilt.ts';

/**
 * The scheduled-grant index of a book, from the facts of its grants: one promise from a grant's recording until the
 * instant it is booked, called off or lapses. Whenever a version changed its times, its payment or called it off, the
 * promise known until then is closed and, where it is another now, one more opened.
 */
export const rebuiltPromises = (facts: BookFacts): readonly Row[] =>
  facts.grants.flatMap((grant) => {
    const rows: Row[] = [];
    for (const { from, terms } of termsOf(facts, grant)) {
      const last = rows.at(-1);
      const next = promise(facts.book, grant, terms, from);
      const open = last !== undefined && last['known_until'] === null ? last : undefined;
      if (open === undefined ? next === null : next !== null && same(open, next)) continue;
      if (open !== undefined) open['known_until'] = from;
      if (next !== null) rows.push(next);
    }
    return rows;
  });

/** Times and payment with the version from which on they were known, the calling off among them. */
function termsOf({ formerTerms }: BookFacts, grant: Row): readonly { from: number; terms: Row }[] {
  const former = formerTerms.filter(({ grant_id }) => grant_id === grant['id']);
  const known = [...former, grant].map((terms, i) => ({
    from: (i === 0 ? grant['version'] : former[i - 1]!['until_version']) as number,
    terms,
  }));
  if (grant['phase'] !== 'CALLED_OFF') return known;
  const called = grant['voided_version'] as number;
  const inForce = known.findLast(({ from }) => from <= called)!;
  return [...known.filter(({ from }) => from !== called), { from: called, terms: inForce.terms }].toSorted(
    (a, b) => a.from - b.from,
  );
}

function promise(book: Row, grant: Row, terms: Row, knownFrom: number): Row | null {
  const { recorded_at: from, currency, feature_keys, amount } = grant;
  const { effective_at, funded_at, expires_at } = terms;
  const booking = Math.max(effective_at, funded_at);
  const calledOff = grant['phase'] === 'CALLED_OFF' && knownFrom >= grant['voided_version'];
  const until = calledOff ? grant['voided_at'] : Math.min(booking, expires_at);
  if (until <= from) return null;
  return {
    grant_id: grant['id'],
    known_from: knownFrom,
    known_until: null,
    namespace: book['namespace'],
    customer_id: book['customer_id'],
    currency,
    feature_keys,
    amount,
    pending_from: from,
    pending_until: until,
    effective_at: booking,
    expires_at,
    span_class: spanClass(from, until),
  };
}

const same = (a: Row, b: Row): boolean =>
  ['pending_until', 'effective_at', 'expires_at'].every((column) => a[column] === b[column]);
