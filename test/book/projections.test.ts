import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { fullHistory, GRID, history, type Step } from '../support/histories.ts';
import { neighbour } from '../support/neighbours.ts';
import { playerOf, playThrough } from '../support/played.ts';
import { staleProjections } from '../support/rebuilt.ts';
import { undone } from '../support/sql.ts';
import { testWorld } from '../support/world.ts';

/**
 * Law 7: what the service keeps ready (a grant's standing, what an advance still owes, a book's clock, the
 * scheduled-grant index) is what facts and entries say, whatever has happened.
 */

const { caller, time, sql } = await testWorld();

const SEED = 20_260_101;

/** Steps that all come at the same time: several of one book, and several books, in one transaction. */
async function playTogether(histories: readonly (readonly Step[])[]): Promise<void> {
  const players = histories.map((_, i) => playerOf(caller, time, `together ${i % 3}`));
  for (let step = 0; step < 40; step++) {
    time.now += GRID;
    await Promise.all(
      histories.flatMap((steps, i) => (step < steps.length ? [players[i]!(steps[step]!)] : [])),
    );
  }
}

beforeAll(async () => {
  const [apart, together] = [8, 6].map((numRuns) =>
    fc.sample(history(80), { numRuns, seed: SEED + numRuns }),
  );
  for (const [number, steps] of apart!.entries()) {
    await playThrough(caller, time, steps, neighbour('apart', number));
  }
  await playTogether(together!);
  const everything = fc.sample(fullHistory(80), { numRuns: 12, seed: SEED });
  for (const [number, steps] of everything.entries()) {
    await playThrough(caller, time, steps, neighbour('everything', number));
  }
});

describe('after random histories', () => {
  test('every projection is what facts and entries say', async () => {
    expect(await staleProjections(sql)).toEqual([]);
  });

  test.each([
    ['grants that became credit late', `grants where booked_version > version`],
    ['grants that expired', `grants where phase = 'EXPIRED'`],
    ['grants of which expired credit was used after all', `entries where kind = 'EXPIRE_UNDONE'`],
    ['grants called off before they were credit', `grants where phase = 'CALLED_OFF'`],
    ['grants voided as credit', `grants where voided_version is not null and phase = 'CREDIT'`],
    ['grants that lapsed while they waited for their funding', `grants where phase = 'LAPSED'`],
    ['advances not covered', `advances where uncovered = amount`],
    ['advances covered in part', `advances where uncovered > 0 and uncovered < amount`],
    ['advances covered by a later write', `advances where closed_version > version`],
    ['promises closed by a later write', `scheduled_grants where known_until is not null`],
    [
      'grants rescheduled',
      `former_terms t join grants g on g.id = t.grant_id where g.expires_at <> t.expires_at`,
    ],
    ['grants paid in steps', `former_terms where settlement_status is not null`],
    ['grants whose payment failed', `grants where failed_at is not null`],
    [
      'grants that opened again',
      `entries e join grants g on g.id = e.grant_id
        where e.kind = 'CORRECT' and g.closed_version is null`,
    ],
    ['charges that are open', `charges where closed_version is null`],
    ['charges that were closed later', `charges where closed_version > version`],
    ['charges collected more than once', `charges where collections > 1`],
    ['sources given back', `allocations where kind = 'SOURCE' and returned > 0`],
    ['coverings given back', `allocations where kind = 'COVER' and returned > 0`],
    ['advances made smaller', `reductions`],
    ['revenue', `allocations where recognized > 0`],
    [
      'revenue taken back',
      `entries e join sub_accounts s on s.book_id = e.book_id and s.ordinal = e.sub_account
        where s.type = 'EARNINGS' and e.amount < 0 and e.kind = 'CORRECT'`,
    ],
    ['adjustments down', `entries where kind = 'ADJUST' and grant_remaining is not null and amount < 0`],
    [
      'writes of several books at one instant',
      `writes w join writes o using (recorded_at) where w.book_id <> o.book_id`,
    ],
  ])('the histories had %s', async (_, what) => {
    const [row] = await sql.rows<{ count: number }>(`select count(*) as count from ${what}`);

    expect(row!.count).toBeGreaterThan(0);
  });
});

describe('a stale projection is noticed', () => {
  test.each([
    [
      'a remainder',
      `update grants set remaining = remaining + 1, consumed = consumed - 1
      where id = (select id from grants where phase = 'CREDIT' and consumed >= 1 limit 1)`,
    ],
    [
      'what counts as expired',
      `update grants set expired = expired - 0.5, consumed = consumed + 0.5
      where id = (select id from grants where phase = 'EXPIRED' and expired >= 1 limit 1)`,
    ],
    [
      'a phase',
      `update grants set phase = 'CREDIT', closed_version = closed_version
      where id = (select id from grants where phase = 'EXPIRED' limit 1)`,
    ],
    [
      'when a grant became credit',
      `update grants set booked_at = booked_at + interval '1 ms'
      where id = (select id from grants where booked_at is not null limit 1)`,
    ],
    [
      'the version that closed a grant',
      `update grants set closed_version = closed_version + 1
      where id = (select id from grants where closed_version is not null limit 1)`,
    ],
    [
      'what an advance owes',
      `update advances set uncovered = uncovered - 0.01
      where charge_id = (select charge_id from advances where uncovered > 0.01 limit 1)`,
    ],
    ['what came back of a slice', `update allocations set returned = returned - 0.01 where returned > 0.01`],
    [
      'what is revenue of a slice',
      `update allocations set recognized = recognized - 0.01 where recognized > 0.01`,
    ],
    ['a charge’s total', `update charges set amount = amount + 1 where collections > 1`],
    ['what a charge has collected', `update charges set collected = collected + 1 where collections > 0`],
    ['what of it went beyond credit', `update charges set advanced = advanced + 1 where advanced > 0`],
    ['a version', `update books set version = version + 1 where version > 0`],
    ['a clock', `update books set clock = clock + interval '1 ms' where version > 0`],
    ['a head hash', `update books set head_hash = decode('00', 'hex') where version > 0`],
    [
      'the next event',
      `update books set next_event_at = next_event_at - interval '1 ms' where next_event_at < 'infinity'`,
    ],
    [
      'a promise that is missing',
      `delete from scheduled_grants
      where grant_id = (select grant_id from scheduled_grants limit 1)`,
    ],
    ['until when a promise was known', `update scheduled_grants set known_until = known_until + 1`],
    ['a promise of another class', `update scheduled_grants set span_class = span_class + 1`],
  ])('%s', async (_, tampering) => {
    const found = await undone(sql, async () => {
      await sql.rows(tampering);
      return staleProjections(sql);
    });

    expect(found).not.toEqual([]);
  });
});
