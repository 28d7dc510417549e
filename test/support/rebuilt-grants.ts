import { sumAmounts, type Amount } from '../../src/amount.ts';
import { spanClass } from '../../src/db/span.ts';
import type { BookFacts, Row } from './rebuilt.ts';

/** Where a grant stands, from its entries; what never became credit has none: its void, its expiry and the clock tell. */
export function rebuiltGrant(book: BookFacts, grant: Row): Row {
  const held = book.entries.filter(
    (entry) => entry.type === 'CUSTOMER_FBO' && entry.grant_id === grant['id'],
  );
  const issue = held.find(({ kind, amount }) => kind === 'ISSUE' || (kind === 'ADJUST' && amount > 0n));
  const closed = closedOf(book, grant, held);
  return {
    id: grant['id'],
    recognized: sumAmounts(
      book.entries
        .filter((entry) => entry['type'] === 'EARNINGS' && entry['grant_id'] === grant['id'])
        .map((entry) => entry['amount']),
    ),
    ...(issue === undefined ? neverCredit(book, grant) : credit(book, held, issue)),
    closed_version: closed,
    span_class: closed === null ? null : spanClass(grant['version'], closed),
  };
}

/** An adjustment up is an issue; one down counts as consumed, and what a correction gave back does not. */
function credit(book: BookFacts, held: readonly Row[], issue: Row): Row {
  const lost = (...kinds: string[]): Amount =>
    -sumAmounts(held.filter((e) => e !== issue && kinds.includes(e['kind'])).map((e) => e['amount']));
  const revoked = held.find(({ kind }) => kind === 'VOID');
  return {
    phase: held.some(({ kind }) => kind === 'EXPIRE') ? 'EXPIRED' : 'CREDIT',
    remaining: sumAmounts(held.map(({ amount }) => amount)),
    booked_at: issue['booked_at'],
    booked_version: issue['version'],
    voided_at: revoked?.['booked_at'] ?? null,
    voided_version: revoked?.['version'] ?? null,
    consumed: lost('CONSUME', 'COVER', 'CORRECT', 'ADJUST'),
    expired: lost('EXPIRE', 'EXPIRE_UNDONE'),
    voided: lost('VOID'),
    released: isReleased(book, revoked),
  };
}

/** The other side of the void is what was owed. */
const isReleased = ({ entries }: BookFacts, revoked: Row | undefined): boolean =>
  entries.some(
    ({ version, position, type }) =>
      version === revoked?.['version'] &&
      position === revoked?.['position'] + 1 &&
      type === 'CUSTOMER_RECEIVABLE',
  );

function neverCredit({ book }: BookFacts, grant: Row): Row {
  const none = { booked_at: null, booked_version: null, remaining: 0n, consumed: 0n, released: false };
  const calledOff = grant['voided_at'] !== null;
  const lapsed = !calledOff && grant['expires_at'] <= book['clock'];
  return {
    ...none,
    phase: calledOff ? 'CALLED_OFF' : lapsed ? 'LAPSED' : 'SCHEDULED',
    voided: calledOff ? grant['amount'] : 0n,
    expired: lapsed ? grant['amount'] : 0n,
  };
}

/** The version since which nothing of it can change by itself or be drawn on: it may open again, and close again. */
function closedOf({ writes, formerTerms }: BookFacts, grant: Row, held: readonly Row[]): number | null {
  const isOpen = new Map<number, boolean>([[grant['version'], true]]);
  const issued = held[0]?.['version'] ?? Infinity;
  const set = formerTerms.findLast(
    (former) => former['grant_id'] === grant['id'] && former['expires_at'] !== grant['expires_at'],
  );
  const since: number = set?.['until_version'] ?? grant['version'];
  const past = writes.find((w) => w.version >= since && w.recorded_at >= grant['expires_at']);
  if (past !== undefined && past.version < issued) isOpen.set(past.version, false);
  if (grant['voided_version'] !== null && grant['voided_version'] < issued)
    isOpen.set(grant['voided_version'], false);
  let remaining = 0n;
  let expired = false;
  for (const { version, kind, amount } of held) {
    remaining += amount as Amount;
    expired ||= kind === 'EXPIRE';
    isOpen.set(version, remaining > 0n && !expired);
  }
  let closed: number | null = null;
  for (const [version, open] of [...isOpen].toSorted(([a], [b]) => a - b)) {
    closed = open ? null : (closed ?? version);
  }
  return closed;
}
