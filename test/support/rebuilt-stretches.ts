import { spanClass } from '../../src/db/span.ts';
import type { BookFacts } from './rebuilt.ts';

type Row = Record<string, any>;

/**
 * The scheduled-grant index of a book, from the facts of its grants: one stretch from a grant's recording until the
 * instant it is booked or lapses; called off before that, it is closed and reopened with its earlier end.
 */
export const rebuiltStretches = ({ book, grants }: BookFacts): readonly Row[] =>
  grants.flatMap((grant) => {
    const promised = stretch(book, grant, Math.min(booking(grant), grant['expires_at']), grant['version']);
    if (grant['phase'] !== 'CALLED_OFF') return promised;
    return [
      ...promised.map((row) => ({ ...row, known_until: grant['voided_version'] })),
      ...stretch(book, grant, grant['voided_at'], grant['voided_version']),
    ];
  });

/** When its funding is met, if ever. */
const booking = (grant: Row): number => Math.max(grant['effective_at'], grant['funded_at']);

function stretch(book: Row, grant: Row, until: number, knownFrom: number): readonly Row[] {
  const { recorded_at: from, currency, feature_keys, amount, expires_at } = grant;
  if (until <= from) return [];
  return [
    {
      ...{ grant_id: grant['id'], known_from: knownFrom, known_until: null },
      ...{ namespace: book['namespace'], customer_id: book['customer_id'], currency, feature_keys, amount },
      ...{ pending_from: from, pending_until: until, effective_at: booking(grant), expires_at },
      span_class: spanClass(from, until),
    },
  ];
}
