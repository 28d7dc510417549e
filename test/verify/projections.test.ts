import { beforeAll, describe, expect, test } from 'vitest';
import { allowDamage, rehash, rowOf, verifiedAfter, type Damage } from '../support/damage.ts';
import type { Story } from '../support/verify-story.ts';
import { testWorld } from '../support/world.ts';

/** What is kept ready beside the journal: each column that could be wrong is found, once, and nothing else is. */

const world = await testWorld();
const one = rowOf(world.sql);
beforeAll(() => allowDamage(world.sql));

const book = (set: string) => one(`update books set ${set} where id = $1`);
const row =
  (table: string, key: string) =>
  (which: (story: Story) => string, set: string, more = 'true'): Damage =>
    one(`update ${table} set ${set} where book_id = $1 and ${key} = $2 and ${more}`, (story) => [
      which(story),
    ]);
const grant = row('grants', 'id');
const charge = row('charges', 'id');
const advance = row('advances', 'charge_id');
const split = row('allocations', 'charge_id');
const promise = row('scheduled_grants', 'grant_id');
const gone = (table: string, key: string, which: (story: Story) => string, more = 'true'): Damage =>
  one(`delete from ${table} where book_id = $1 and ${key} = $2 and ${more}`, (story) => [which(story)]);

const paid = (story: Story) => story.paid;
const expired = (story: Story) => story.expired;
const waiting = (story: Story) => story.waiting;
const promised = (story: Story) => story.promised;
const open = (story: Story) => story.open;
const debt = (story: Story) => story.debt;

const PROJECTIONS: Readonly<Record<string, Damage>> = {
  'the version of a book': book('version = version - 1'),
  'its clock': book(`clock = clock + interval '1 ms'`),
  'its next event': book(`next_event_at = next_event_at - interval '1 ms'`),
  'its currencies': book(`currencies = '{"USD": 2}'`),
  'what a grant has left, taken from what was used': grant(
    paid,
    'remaining = remaining + 1, consumed = consumed - 1',
  ),
  'what expired': grant(expired, 'expired = expired - 1, consumed = consumed + 1'),
  'what was voided': grant(expired, 'expired = expired - 1, voided = voided + 1'),
  'a phase': grant(expired, `phase = 'CREDIT'`),
  'when a grant became credit': grant(paid, `booked_at = booked_at - interval '1 ms'`),
  'by which version': grant(paid, 'booked_version = 2'),
  'a void that never was': grant(paid, 'voided_at = booked_at, voided_version = 2'),
  'the version that closed a grant': grant(expired, 'closed_version = closed_version + 1'),
  'its class': grant(expired, 'span_class = span_class + 1'),
  'the total of a charge': charge(open, 'amount = amount + 1'),
  'what it collected': charge(open, 'collected = collected + 1'),
  'what it advanced': charge(debt, 'advanced = advanced + 1'),
  'what it invoiced': charge(open, 'invoiced = invoiced + 1'),
  'how often it was collected': charge(open, 'collections = collections + 1'),
  'when it was closed': charge(debt, `closed_at = closed_at + interval '1 ms'`),
  'the version that closed a charge': charge(debt, 'closed_version = closed_version + 1'),
  'its class too': charge(debt, 'span_class = 1'),
  'what an event collected': row('charge_events', 'charge_id')(
    open,
    'collected = collected + 1',
    'version = 7',
  ),
  'what an advance owes': advance(debt, 'uncovered = uncovered - 1'),
  'what an advance was': advance(debt, 'amount = amount + 1'),
  'an advance that is gone': gone('advances', 'charge_id', debt),
  'what a correction took off it': row('reductions', 'charge_id')(debt, 'amount = amount + 1'),
  'what a split took': split(open, 'amount = amount + 1', 'version = 7'),
  'of which grant': split(open, 'grant_id = gen_random_uuid()', 'version = 7'),
  'what came back of it': split(open, 'returned = returned + 1', 'version = 8'),
  'what was recognized of it': split(open, 'recognized = recognized - 1', 'version = 7'),
  'a split that is gone': gone('allocations', 'charge_id', open, 'version = 7'),
  'up to which version every split has a row': one(
    'update splits_kept set through_version = 10 where book_id = $1',
  ),
};

const INDEX: Readonly<Record<string, Damage>> = {
  'a promise that is gone': gone('scheduled_grants', 'grant_id', waiting),
  'a promise of nobody': one(
    `insert into scheduled_grants select (jsonb_populate_record(s,
    jsonb_build_object('grant_id', gen_random_uuid()))).* from scheduled_grants s where book_id = $1 and grant_id = $2`,
    (story) => [story.waiting],
  ),
  'one that never was': one(
    `insert into scheduled_grants select (jsonb_populate_record(s,
    jsonb_build_object('grant_id', $3::uuid))).* from scheduled_grants s where book_id = $1 and grant_id = $2`,
    (story) => [story.waiting, story.paid],
  ),
  'until when it is pending': promise(waiting, `pending_until = pending_until - interval '1 ms'`),
  'from when': promise(waiting, `pending_from = pending_from - interval '1 ms'`),
  'when it takes effect': promise(waiting, `effective_at = effective_at - interval '1 ms'`),
  'its expiry': promise(waiting, 'expires_at = effective_at'),
  'its amount': promise(waiting, 'amount = amount + 1'),
  'its currency': promise(waiting, `currency = 'EUR'`),
  'its feature keys': promise(waiting, `feature_keys = '{}'`),
  'whose it is': promise(waiting, `customer_id = 'somebody else'`),
  'its class': promise(waiting, 'span_class = span_class - 1'),
  'until when it was known': promise(promised, 'known_until = known_until + 1', 'known_until is not null'),
  'an earlier promise that is known still': promise(promised, 'known_until = 3', 'known_until is not null'),
};

describe.each([
  ['PROJECTION', PROJECTIONS],
  ['SCHEDULED_INDEX', INDEX],
])('%s', (kind, damages) => {
  test.each(Object.entries(damages))('%s', async (what, damage) => {
    const { findings, kinds } = await verifiedAfter(world, `${kind} ${what}`, async (damaged, story) => {
      await damage(damaged, story);
      // Some of it is a fact of a write, too.
      await rehash(world.sql, damaged);
    });

    expect(kinds, findings.map(({ message }) => message).join('\n')).toEqual([kind]);
  });
});
