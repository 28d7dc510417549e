import { describe, expect, test } from 'vitest';
import { at, CREDIT_ONLY, grantRequest, spendRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** What was written stays as it was: the database refuses the service's own role to change it. */

const { caller, sql, time } = await testWorld();

/** Something of everything: credit that moves, a charge that is collected and corrected, and an advance made smaller. */
const later = { effectiveAt: at(time.now + 1_000) };
const { grant } = await caller.answer('CreateGrant', grantRequest({ ...later, idempotencyKey: 'k' }));
await caller.answer('RescheduleGrant', { customerId: 'ada', grantId: grant.id, effectiveAt: at(time.now) });
const paid = await caller.answer('ConsumeCredits', spendRequest({ featureKey: 'a' }));
await caller.answer('CorrectCharge', { customerId: 'ada', chargeId: paid['charge'].id, amount: '1' });
const debt = await caller.answer('ConsumeCredits', spendRequest({ amount: '200', ...CREDIT_ONLY }));
await caller.answer('CorrectCharge', { customerId: 'ada', chargeId: debt['charge'].id, amount: '5' });
const open = { ...spendRequest(CREDIT_ONLY), type: 'CHARGE_TYPE_FLAT_FEE' };
const { charge } = await caller.answer('CreateCharge', open);
await caller.answer('CollectCharge', { customerId: 'ada', chargeId: charge.id });
// Changes nothing: its key is told by no write.
await caller.answer('CollectCharge', { customerId: 'ada', chargeId: charge.id, idempotencyKey: 'again' });

const PERMISSION_DENIED = expect.objectContaining({ code: '42501' });

describe.each([
  'writes',
  'idempotency',
  'allocations',
  'reductions',
  'charge_events',
  'former_terms',
  'transactions',
  'entries',
])('%s', (table) => {
  test.each([
    ['updated', `update ${table} set book_id = book_id`],
    ['deleted', `delete from ${table}`],
    ['truncated', `truncate ${table}`],
  ])('cannot be %s', async (_, statement) => {
    await expect(sql.rows(statement)).rejects.toEqual(PERMISSION_DENIED);
  });

  test('has rows that could have been', async () => {
    expect(await sql.rows(`select 1 from ${table} limit 1`)).toHaveLength(1);
  });
});

test('of an allocation only what was returned and recognized since may move', async () => {
  const columns = await sql.rows<{ name: string }>(`
    select column_name as name from information_schema.columns
    where table_name = 'allocations' and has_column_privilege('allocations', column_name::text, 'update') order by 1`);

  expect(columns.map(({ name }) => name)).toEqual(['recognized', 'returned']);
});

test('the role is the owner of the tables and no superuser, whom privileges do not bind', async () => {
  const roles = await sql.rows(`
    select rolsuper as superuser, tableowner = current_user as owner
    from pg_roles, pg_tables where rolname = current_user and tablename = 'entries'`);

  expect(roles).toEqual([{ superuser: false, owner: true }]);
});
