import { isDeepStrictEqual } from 'node:util';
import { sumAmounts, type Amount } from '../../src/amount.ts';
import { spanClass } from '../../src/db/span.ts';
import { NEVER, type Instant } from '../../src/instant.ts';
import type { Finding } from './audit.ts';
import { rebuiltStretches } from './rebuilt-stretches.ts';
import type { Sql } from './sql.ts';

/**
 * Law 7: what the service keeps ready as projections, computed again from facts and entries alone, in the plainest
 * way. Shares nothing with the code that keeps them but the classes of lengths.
 */

/** Rows of a projection that differ from what facts and entries say, with the columns that do. */
export async function staleProjections(sql: Sql): Promise<Finding[]> {
  return (await factsOf(sql)).flatMap((book) => [
    ...differences('books', ['id'], [book.book], [rebuiltBook(book)]),
    ...differences(
      'grants',
      ['id'],
      book.grants,
      book.grants.map((own) => rebuiltGrant(book, own)),
    ),
    ...differences(
      'charges',
      ['id'],
      book.charges,
      book.charges.map((own) => rebuiltCharge(book, own)),
    ),
    ...differences(
      'advances',
      ['charge_id', 'collection'],
      book.advances,
      book.advances.map((own) => rebuiltAdvance(book, own)),
    ),
    ...differences('scheduled_grants', ['grant_id', 'known_from'], book.stretches, rebuiltStretches(book)),
  ]);
}

type Row = Record<string, any>;

export type BookFacts = {
  readonly book: Row;
  readonly writes: readonly { version: number; recorded_at: Instant; feed_position: number }[];
  readonly grants: readonly Row[];
  readonly charges: readonly Row[];
  readonly advances: readonly Row[];
  readonly allocations: readonly Row[];
  readonly stretches: readonly Row[];
  /** With the type and cost basis of their sub-account, in version order. */
  readonly entries: readonly Row[];
  readonly transactions: readonly Row[];
};

const TABLES = {
  writes: 'select * from writes order by version',
  grants: 'select * from grants',
  charges: 'select * from charges',
  advances: 'select * from advances',
  allocations: 'select * from allocations order by version, position',
  stretches: 'select * from scheduled_grants',
  transactions: 'select * from transactions order by version, ordinal',
  entries: `select e.*, s.type, s.cost_basis from entries e
     join sub_accounts s on s.shard = e.shard and s.book_id = e.book_id and s.ordinal = e.sub_account
     order by e.version, e.position`,
};

async function factsOf(sql: Sql): Promise<readonly BookFacts[]> {
  const books = await sql.rows<Row>('select * from books');
  const tables: [table: string, rows: Map<string, Row[]>][] = [];
  for (const [table, text] of Object.entries(TABLES)) {
    tables.push([table, Map.groupBy(await sql.rows<Row>(text), (row) => row['book_id'] as string)]);
  }
  return books.map(
    (book) =>
      ({
        book,
        ...Object.fromEntries(tables.map(([table, rows]) => [table, rows.get(book['id']) ?? []])),
      }) as never,
  );
}

/** A grant without an entry never became credit: its void, its expiry and the clock say what it is. */
function rebuiltGrant(book: BookFacts, grant: Row): Row {
  const held = book.entries.filter(
    (entry) => entry.type === 'CUSTOMER_FBO' && entry.grant_id === grant['id'],
  );
  const taken = (...kinds: string[]): Amount =>
    -sumAmounts(held.filter(({ kind }) => kinds.includes(kind)).map(({ amount }) => amount));
  const issue = held.find(({ kind }) => kind === 'ISSUE');
  if (issue === undefined) return neverCredit(book, grant);
  const revoked = held.find(({ kind }) => kind === 'VOID');
  const expiry = held.find(({ kind }) => kind === 'EXPIRE');
  const remaining = sumAmounts(held.map(({ amount }) => amount));
  const closed = expiry?.version ?? (remaining === 0n ? held.at(-1)!.version : null);
  return {
    id: grant['id'],
    ...{ phase: expiry === undefined ? 'CREDIT' : 'EXPIRED', remaining },
    ...{ booked_at: issue.booked_at, booked_version: issue.version },
    ...{ voided_at: revoked?.booked_at ?? null, voided_version: revoked?.version ?? null },
    consumed: taken('CONSUME', 'COVER'),
    expired: taken('EXPIRE', 'EXPIRE_UNDONE'),
    voided: taken('VOID'),
    ...{ closed_version: closed, span_class: closed === null ? null : spanClass(grant['version'], closed) },
  };
}

function neverCredit({ book, writes }: BookFacts, grant: Row): Row {
  const none = {
    booked_at: null,
    booked_version: null,
    remaining: 0n,
    consumed: 0n,
    expired: 0n,
    voided: 0n,
  };
  const calledOff = grant['voided_at'] !== null;
  const lapsed = !calledOff && grant['expires_at'] <= book['clock'];
  const closed: number | null = calledOff
    ? grant['voided_version']
    : (writes.find((w) => w.version >= grant['version'] && w.recorded_at >= grant['expires_at'])?.version ??
      null);
  return {
    id: grant['id'],
    ...none,
    phase: calledOff ? 'CALLED_OFF' : lapsed ? 'LAPSED' : 'SCHEDULED',
    ...(calledOff && { voided: grant['amount'] }),
    ...(lapsed && { expired: grant['amount'] }),
    ...{ closed_version: closed, span_class: closed === null ? null : spanClass(grant['version'], closed) },
  };
}

/** What it owed at first, less the coverings its charge's entries show on the debt without a cost basis. */
function rebuiltAdvance(book: BookFacts, advance: Row): Row {
  const debt = book.entries.filter(
    (entry) =>
      entry.type === 'CUSTOMER_RECEIVABLE' &&
      entry.cost_basis === null &&
      entry.charge_id === advance['charge_id'],
  );
  const uncovered = -sumAmounts(debt.map(({ amount }) => amount));
  const closed = uncovered === 0n ? debt.at(-1)!.version : null;
  return {
    ...{ charge_id: advance['charge_id'], collection: advance['collection'] },
    amount: -sumAmounts(debt.filter(({ kind }) => kind === 'CONSUME').map(({ amount }) => amount)),
    uncovered,
    ...{ closed_version: closed, span_class: closed === null ? null : spanClass(advance['version'], closed) },
  };
}

/** Credit by its allocations and by its entries, which must agree; the advance by its entries. */
function rebuiltCharge(book: BookFacts, charge: Row): Row {
  const own = (rows: readonly Row[], kind: string) =>
    rows.filter((row) => row['charge_id'] === charge['id'] && row['kind'] === kind);
  const taken = sumAmounts(own(book.allocations, 'SOURCE').map(({ amount }) => amount));
  const entries = own(book.entries, 'CONSUME');
  const credit = -sumAmounts(entries.filter((e) => e['type'] === 'CUSTOMER_FBO').map(({ amount }) => amount));
  const advanced = -sumAmounts(
    entries.filter((e) => e['type'] === 'CUSTOMER_RECEIVABLE').map(({ amount }) => amount),
  );
  const collected = taken + advanced + charge['invoiced'];
  const agreed = credit === taken ? collected : `${credit} by its entries, ${taken} allocated`;
  return { id: charge['id'], advanced, collected: agreed };
}

function rebuiltBook({ book, writes, grants, charges, transactions }: BookFacts): Row {
  const currencies: Record<string, number> = {};
  for (const { currency, version } of [...grants, ...charges] as { currency: string; version: number }[]) {
    currencies[currency] = Math.min(version, currencies[currency] ?? version);
  }
  const next = grants
    .filter(({ closed_version }) => closed_version === null)
    .map(({ phase, effective_at, funded_at, expires_at }) =>
      phase === 'SCHEDULED' ? Math.min(Math.max(effective_at, funded_at), expires_at) : expires_at,
    );
  return {
    id: book['id'],
    version: writes.at(-1)?.version ?? 0,
    feed_position: writes.at(-1)?.feed_position ?? 0,
    clock: writes.at(-1)?.recorded_at ?? -NEVER,
    head_hash: transactions.at(-1)?.hash ?? Buffer.alloc(32),
    next_event_at: Math.min(NEVER, ...(next as number[])),
    currencies: book['version'] === 0 ? {} : currencies,
  };
}

/** Each stored row against the rebuilt one of the same key, in the columns that were rebuilt. */
function differences(
  table: string,
  key: readonly string[],
  stored: readonly Row[],
  rebuilt: readonly Row[],
): Finding[] {
  const nameOf = (row: Row) => key.map((column) => String(row[column])).join(' ');
  const should = new Map(rebuilt.map((row) => [nameOf(row), row]));
  const is = new Map(stored.map((row) => [nameOf(row), row]));
  return [...new Set([...should.keys(), ...is.keys()])].flatMap((row): Finding[] => {
    const [expected, found] = [should.get(row), is.get(row)];
    if (expected === undefined || found === undefined) {
      return [{ table, row, problem: expected === undefined ? 'superfluous' : 'missing' }];
    }
    return Object.keys(expected)
      .filter((column) => !isDeepStrictEqual(found[column], expected[column]))
      .map((column) => ({ table, row, column, stored: found[column], rebuilt: expected[column] }));
  });
}
