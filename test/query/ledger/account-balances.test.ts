import { describe, expect, test } from 'vitest';
import { formatAmount, parseAmount, sumAmounts } from '../../../src/amount.ts';
import type { Instant } from '../../../src/instant.ts';
import { GRID } from '../../support/histories.ts';
import { neighbour } from '../../support/neighbours.ts';
import { CREDIT_ONLY, grantRequest, spendRequest } from '../../support/requests.ts';
import type { Json } from '../../support/service.ts';
import { playedBooks } from './played-books.ts';

/** What single accounts hold, by any part of their routes, and of one grant or charge, at any instant. */

const books = await playedBooks();
const { caller, sql, time, CUSTOMERS, accountsOf, points } = books;

/** The filters of GetAccountBalance that only this account of the list meets. */
const filtersOf = ({ accountType, currency, route }: Json): object => ({
  accountType,
  currency,
  stage: route.stage,
  priority: route.priority,
  featureKeys: { keys: route.featureKeys ?? [] },
  ...(route.costBasis === undefined ? { costBasisKnown: false } : { costBasis: route.costBasis }),
});

/** A part of a route, as GetAccountBalance asks for it, and what meets it. */
type Part = { readonly asked: object; readonly matches: (route: Json) => boolean };

const valued = (field: string, value: unknown): Part => ({
  asked: value === undefined ? {} : { [field]: value },
  matches: (route) => value === undefined || route[field] === value,
});

const PARTS: readonly ((route: Json) => Part)[] = [
  ({ stage }) => valued('stage', stage),
  ({ costBasis }) => valued('costBasis', costBasis),
  ({ priority }) => valued('priority', priority),
  ({ costBasis }) => ({
    asked: { costBasisKnown: costBasis !== undefined },
    matches: (route) => (route['costBasis'] !== undefined) === (costBasis !== undefined),
  }),
  ({ tax }) => ({
    asked: { taxCode: tax?.code },
    matches: (route) => tax === undefined || route['tax']?.code === tax.code,
  }),
  ({ featureKeys = [] }) => ({
    asked: { featureKeys: { keys: featureKeys } },
    matches: (route) => String(route['featureKeys'] ?? []) === String(featureKeys),
  }),
];

/** A neighbour of them whose grants and charges are taxed, one way or the other, some in advance of its credit. */
async function taxed(): Promise<string> {
  const customerId = neighbour('ada', 2);
  time.now = books.end;
  for (const [i, code] of ['VAT', 'GST', 'VAT'].entries()) {
    const of = { customerId, tax: { code }, amount: '5' };
    const { charge } = await caller.answer('CreateCharge', {
      ...spendRequest({ ...of, ...CREDIT_ONLY }),
      type: 'CHARGE_TYPE_FLAT_FEE',
    });
    for (const amount of ['2', '3']) {
      time.now += GRID;
      await caller.answer('CollectCharge', { customerId, chargeId: charge.id, amount });
    }
    await caller.answer('CreateGrant', grantRequest({ ...of, amount: '9', priority: 1 + i }));
    await caller.answer('CorrectCharge', { customerId, chargeId: charge.id, amount: '1' });
  }
  books.end = time.now;
  return customerId;
}

describe('a customer’s accounts', () => {
  test('hold what GetAccountBalance answers for their routes', async () => {
    let rows = 0;
    for (const point of [{}, ...points(12)]) {
      for (const customerId of CUSTOMERS) {
        const accounts = await accountsOf({ customerId, ...point });
        const balances = await Promise.all(
          accounts.map((account) =>
            caller.answer('GetAccountBalance', { customerId, ...filtersOf(account), ...point }),
          ),
        );
        expect(accounts.map(({ balance }) => balance)).toEqual(balances.map(({ amount }) => amount));
        rows += accounts.length;
      }
    }
    expect(rows).toBeGreaterThan(300);
  });

  test('hold the sum of their entries at a past instant, as known at a past instant', async () => {
    for (const { asOf, knownAt } of points(30)) {
      const customerId = CUSTOMERS[0]!;
      const [clock] = await sql.rows<{ at: Instant }>(
        `select max(w.recorded_at) as at from writes w join books b on b.id = w.book_id
         where b.customer_id = $1 and w.recorded_at <= $2`,
        [customerId, knownAt],
      );
      // What lies behind the last write known is not in the journal yet.
      if (clock!.at === null || Date.parse(asOf) >= clock!.at) continue;
      const summed = await sql.rows<{ id: string; amount: bigint }>(
        `select 'acc_' || replace(s.id::text, '-', '') as id, sum(e.amount) as amount
         from entries e
         join books b on b.id = e.book_id
         join sub_accounts s on s.book_id = e.book_id and s.ordinal = e.sub_account
         join writes w on w.book_id = e.book_id and w.version = e.version
         where b.customer_id = $1 and e.booked_at <= $2 and w.recorded_at <= $3 group by s.id`,
        [customerId, asOf, knownAt],
      );
      const listed = await accountsOf({ customerId, asOf, knownAt });

      expect(Object.fromEntries(listed.map(({ id, balance }) => [id, balance]))).toEqual(
        Object.fromEntries(summed.map(({ id, amount }) => [id, formatAmount(amount)])),
      );
    }
  });

  test('hold of one grant, of one charge and of both what their entries add up to', async () => {
    const customerId = CUSTOMERS[0]!;
    const accounts = await accountsOf({ customerId });
    const { entries } = (await caller.answer('ListEntries', { customerId, pageSize: 1_000 })) as {
      entries: readonly Json[];
    };
    const subjects = new Set(entries.map(({ grantId, chargeId }) => JSON.stringify({ grantId, chargeId })));
    const named = [...subjects].map((text) => JSON.parse(text) as { grantId?: string; chargeId?: string });
    const both = named.filter(({ grantId, chargeId }) => grantId !== undefined && chargeId !== undefined);
    const asked = [
      ...both.slice(0, 4),
      ...both.slice(0, 4).flatMap(({ grantId, chargeId }) => [{ grantId }, { chargeId }]),
      ...named.filter(({ grantId, chargeId }) => grantId !== undefined && chargeId === undefined).slice(-3),
    ];

    expect(both.length).toBeGreaterThan(3);
    for (const subject of asked) {
      for (const account of accounts) {
        const own = entries.filter(
          (entry) =>
            entry['accountId'] === account['id'] &&
            Object.entries(subject).every(([field, id]) => entry[field] === id),
        );
        const question = { customerId, ...subject, ...filtersOf(account) };
        const { amount } = await caller.answer('GetAccountBalance', question);
        const sum = sumAmounts(own.map((entry) => parseAmount(entry['amount'])));
        expect(amount, JSON.stringify(question)).toBe(formatAmount(sum));
      }
    }
  });

  test('of a grant or charge hold what its entries add up to, by any part of a route, at any point', async () => {
    let nonZero = 0;
    for (const customerId of [CUSTOMERS[0]!, CUSTOMERS[1]!, await taxed()]) {
      const { entries } = (await caller.answer('ListEntries', { customerId, pageSize: 1_000 })) as {
        entries: readonly Json[];
      };
      for (let i = 0; i < 150; i += 1) {
        const entry = entries[(i * 7_919) % entries.length]!;
        const { grantId, chargeId, accountType, currency } = entry;
        const subject = [{ grantId }, { chargeId }, { grantId, chargeId }][i % 3]!;
        if (Object.values(subject).includes(undefined)) continue;
        const like = entries.filter((other) => other['accountType'] === accountType);
        const part = PARTS[i % PARTS.length]!(like[(i * 31) % like.length]!['route']);
        const known = entries.filter(({ version }) => Number(version) >= Number(entry['version']));
        const knownAt = known[(i * 17) % known.length]!['recordedAt'];
        const past = entries.filter(({ bookedAt }) => bookedAt <= knownAt);
        const asOf = past[(i * 13) % past.length]!['bookedAt'];
        const own = past
          .filter((other) => Object.entries(subject).every(([field, id]) => other[field] === id))
          .filter((other) => other['accountType'] === accountType && other['currency'] === currency)
          .filter(({ bookedAt, recordedAt }) => bookedAt <= asOf && recordedAt <= knownAt)
          .filter(({ route }) => part.matches(route));
        const sum = formatAmount(sumAmounts(own.map(({ amount }) => parseAmount(amount))));
        const question = { customerId, ...subject, accountType, currency, ...part.asked, asOf, knownAt };
        const { amount } = await caller.answer('GetAccountBalance', question);
        expect(amount, JSON.stringify(question)).toBe(sum);
        nonZero += sum === '0' ? 0 : 1;
      }
    }
    expect(nonZero).toBeGreaterThan(60);
  });
});
