import type { Knex } from 'knex';

/**
 * NaN and Infinity are numerics to Postgres, equal to themselves and above every number, so they pass comparisons
 * that were meant to keep nonsense out; and no reader of ours can make an amount of them. The same goes for instants
 * outside the years 1 to 9999, infinities included except where they mean never or always.
 *
 * Lock impact: adding the constraints takes an exclusive lock on one table after the other, for an instant each: they
 * are added as not valid, which looks at no row. Validating them then reads each table once, beside readers and
 * writers. Rows that are there and break one stay as they are, and the constraint not valid: it binds new rows
 * all the same, and `Verify` tells which rows those are. Stopped half way it begins again.
 */
export const config = { transaction: false };

export async function up(knex: Knex): Promise<void> {
  for (const [table, conditions] of Object.entries(READABLE)) {
    const name = `${table}_readable`;
    await knex.raw(`
      alter table ${table}
        drop constraint if exists ${name},
        add constraint ${name} check (${conditions.join(' and ')}) not valid`);
  }
  for (const table of Object.keys(READABLE)) {
    await knex.raw(`alter table ${table} validate constraint ${table}_readable`).catch(unlessViolated);
  }
}

const CHECK_VIOLATION = '23514';

function unlessViolated(error: Error & { readonly code?: string }): void {
  if (error.code !== CHECK_VIOLATION) throw error;
}

const number = (column: string): string => `${column} > '-Infinity' and ${column} < 'Infinity'`;
const numbers = (...columns: string[]): string[] => columns.map(number);

const within = (column: string): string =>
  `${column} >= '0001-01-01 00:00:00+00' and ${column} < '10000-01-01 00:00:00+00'`;
const instants = (...columns: string[]): string[] => columns.map(within);
/** Infinity: never. */
const orNever = (column: string): string => `(${column} = 'infinity' or ${within(column)})`;
/** Minus infinity: always. */
const orAlways = (column: string): string => `(${column} = '-infinity' or ${within(column)})`;
const orEither = (column: string): string => `(not isfinite(${column}) or ${within(column)})`;

const PAYMENT = ['issued_at', 'authorized_at', 'settled_at', 'failed_at'];

const READABLE: Readonly<Record<string, readonly string[]>> = {
  books: [orAlways('clock'), orEither('next_event_at')],
  writes: instants('recorded_at'),
  currencies: instants('created_at'),
  grants: [
    ...numbers('amount', 'cost_basis', 'purchase_amount', 'remaining', 'consumed', 'expired', 'voided'),
    ...instants('recorded_at', 'effective_at', ...PAYMENT, 'booked_at', 'voided_at'),
    ...[orNever('expires_at'), orEither('funded_at')],
  ],
  former_terms: [
    ...instants('until', 'effective_at', ...PAYMENT),
    ...[orNever('expires_at'), orEither('funded_at')],
  ],
  charges: [
    ...numbers('amount', 'collected', 'advanced', 'invoiced'),
    ...instants('recorded_at', 'starts_at', 'closed_at'),
    orNever('hold_expires_at'),
  ],
  charge_events: [...numbers('amount', 'collected'), ...instants('booked_at')],
  advances: [...numbers('amount', 'uncovered'), ...instants('booked_at')],
  allocations: [...numbers('amount', 'returned', 'recognized'), ...instants('booked_at')],
  reductions: [...numbers('amount'), ...instants('booked_at')],
  scheduled_grants: [
    ...numbers('amount'),
    ...instants('pending_from'),
    ...[orNever('pending_until'), orNever('effective_at'), orNever('expires_at')],
  ],
  sub_accounts: numbers('cost_basis'),
  transactions: instants('booked_at', 'recorded_at'),
  entries: [...numbers('amount', 'running_total', 'grant_remaining'), ...instants('booked_at')],
};
