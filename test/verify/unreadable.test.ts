import { Writable } from 'node:stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { uuidOf } from '../../src/id.ts';
import { nameOf as nameIn } from '../../src/rpc/wire.ts';
import { FindingKind, VerifyVerdict } from '#gen/ledger/v1/verify_pb.ts';
import { allowAnything, columnsOf, foundWhile, type TableColumn } from '../support/damage.ts';
import { openSql } from '../support/sql.ts';
import { testDatabase } from '../support/postgres.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { everything } from '../support/verify-story.ts';
import { testWorld } from '../support/world.ts';

/** Values that no reader takes: what keeps them out, and what becomes of a book that holds one all the same. */

const lines: string[] = [];
const log = createLog(
  'error',
  new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString());
      done();
    },
  }),
);
const world = await testWorld({ log });
const { caller, sql } = world;
const story = await everything(world, 'ada');
await caller.answer('CreateCurrency', { code: 'TOKENS', name: 'Tokens', precision: 2 });
// Collected twice: the second changes nothing, and is remembered under no version.
const { charge } = await caller.answer('CreateCharge', {
  ...spendRequest({ ...CREDIT_ONLY, amount: '1' }),
  type: 'CHARGE_TYPE_FLAT_FEE',
});
const collect = { customerId: 'ada', chargeId: charge.id };
await caller.answer('CollectCharge', collect);
await caller.answer('CollectCharge', { ...collect, idempotencyKey: 'again' });
const guarded = await openSql((await testDatabase()).url);
const numbers = await columnsOf(sql, 'numeric');
const instants = await columnsOf(sql, 'timestamp with time zone');

/** Which means never, and which always: there infinity has a meaning. */
const NEVER = [
  'books.next_event_at',
  'grants.expires_at',
  'grants.funded_at',
  'former_terms.expires_at',
  'former_terms.funded_at',
  'charges.hold_expires_at',
  'scheduled_grants.pending_until',
  'scheduled_grants.effective_at',
  'scheduled_grants.expires_at',
  'late_sums.until_at',
];
const ALWAYS = ['books.clock', 'books.next_event_at', 'grants.funded_at', 'former_terms.funded_at'];
const nameOfKind = (kind: FindingKind) => nameIn(FindingKind, kind);
const nameOf = ({ table, column }: TableColumn) => `${table}.${column}`;

describe('the database refuses', () => {
  beforeAll(async () => {
    await guarded.rows('grant all on all tables in schema public to current_user');
  });

  /** Whether the table's own condition refuses a row with this value; the other columns do not matter to it. */
  async function refuses({ table, column }: TableColumn, value: string): Promise<boolean> {
    const [check] = await guarded.rows<{ condition: string | null }>(
      `select string_agg(pg_get_expr(conbin, conrelid), ' and ') as condition from pg_constraint
       where conrelid = $1::regclass and conname like '%\\_readable'`,
      [table],
    );
    if (check!.condition === null) return false;
    const [row] = await guarded.rows<{ met: boolean | null }>(
      `select ${check!.condition} as met from jsonb_populate_record(null::${table}, jsonb_build_object($1::text, $2::text))`,
      [column, value],
    );
    return row!.met === false;
  }

  test.each(numbers.map((column) => [nameOf(column), column] as const))(
    'no number in %s',
    async (_, column) => {
      for (const value of ['NaN', 'Infinity', '-Infinity']) expect(await refuses(column, value)).toBe(true);
      expect(await refuses(column, '1.5')).toBe(false);
    },
  );

  test.each(instants.map((column) => [nameOf(column), column] as const))(
    'no instant in %s',
    async (name, column) => {
      expect(await refuses(column, 'infinity')).toBe(!NEVER.includes(name));
      expect(await refuses(column, '-infinity')).toBe(!ALWAYS.includes(name));
      for (const value of ['10000-01-01 00:00:00+00', '0001-12-31 00:00:00+00 BC']) {
        expect(await refuses(column, value)).toBe(true);
      }
      expect(await refuses(column, '2026-11-28 00:00:00+00')).toBe(false);
    },
  );

  test('them also where a table is written', async () => {
    await expect(
      guarded.rows(`insert into reductions values (1, 1, gen_random_uuid(), 1, 1, 1, 'NaN', now())`),
    ).rejects.toThrow('reductions_readable');
  });
});

describe('a book that holds one', () => {
  beforeAll(async () => {
    await allowAnything(sql);
  });

  const everywhere = [
    ...numbers.map((column) => [nameOf(column), 'NaN', column] as const),
    ...instants.map((column) => [nameOf(column), '10000-01-01 00:00:00+00', column] as const),
  ]
    .filter(([name]) => name !== 'currencies.created_at')
    // Compared within the database, and not read: one that is wrong is a projection that is.
    .filter(([name]) => !name.startsWith('late_sums.'));

  test.each(everywhere)('is told of where %s is %s, and which row', async (_, value, { table, column }) => {
    const { findings, summary } = await foundWhile(
      world,
      [table],
      `update ${table} set ${column} = '${value}'
       where ctid = (select ctid from ${table} order by (${column} is null), ctid limit 1)`,
    );
    const unreadable = findings.filter(({ kind }) => kind === FindingKind.UNREADABLE_ROW);

    expect(unreadable.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        new RegExp(`^a row of ${table} .*cannot be read: its ${column} is ${value.slice(0, 3)}`),
      ),
    ]);
    expect(unreadable[0]).toMatchObject({ customerId: 'ada' });
    expect(summary).toMatchObject({ verdict: VerifyVerdict.INCOMPLETE, books: 1n });
  });

  test('is verified on, and so are the books behind it', async () => {
    await everything(world, 'bob');
    const { findings, summary } = await foundWhile(
      world,
      ['charges', 'grants', 'books'],
      `update charges set invoiced = 'NaN' where id = '${uuidOf(story.open)}';
       update grants set consumed = consumed + 1 where id = '${uuidOf(story.waiting)}';
       update books set currencies = '{}' where customer_id = 'bob'`,
    );

    expect(findings.map(({ kind, customerId }) => [customerId, nameOfKind(kind)])).toEqual(
      expect.arrayContaining([
        ['ada', 'UNREADABLE_ROW'],
        ['ada', 'GRANT_IDENTITY'],
        ['bob', 'PROJECTION'],
      ]),
    );
    expect(summary).toMatchObject({ books: 2n });
  });

  test('is there: what is about it is not about nothing', async () => {
    const { kinds } = await foundWhile(
      world,
      ['grants', 'charges'],
      `update grants set consumed = 'NaN' where id in ('${uuidOf(story.paid)}', '${uuidOf(story.waiting)}');
       update charges set invoiced = 'NaN' where id = '${uuidOf(story.debt)}'`,
    );

    expect(kinds.filter((kind) => kind === 'UNREADABLE_ROW')).toHaveLength(3);
    expect(kinds).not.toContain('DANGLING_ROW');
    expect(kinds).not.toContain('SCHEDULED_INDEX');
  });

  test('does not end the walk through many', async () => {
    const { kinds } = await foundWhile(
      world,
      ['grants'],
      `insert into grants select (jsonb_populate_record(g, jsonb_build_object('id', gen_random_uuid()))).*
       from grants g, generate_series(1, 1100) where id = '${uuidOf(story.waiting)}';
       update grants set remaining = 'NaN' where id = (
         select max(id::text)::uuid from (select id from grants order by id limit 500) page
       )`,
    );

    // Of each of them the promise is missing, but of the one that cannot be read.
    expect(kinds.filter((kind) => kind === 'SCHEDULED_INDEX')).toHaveLength(1_099);
  });

  test('that makes the verification stumble is told of as far as it came', async () => {
    const { findings, summary } = await foundWhile(
      world,
      ['books'],
      `update books set currencies = 'null' where customer_id = 'ada'`,
    );

    expect(findings).toMatchObject([{ kind: FindingKind.UNREADABLE_ROW, customerId: 'ada' }]);
    expect(findings[0]!.message).toContain('could not be verified to its end');
    expect(summary).toMatchObject({ verdict: VerifyVerdict.INCOMPLETE });
  });

  test('is no answer to a question, and the log says which row it is', async () => {
    await sql.rows(`update grants set remaining = 'NaN' where id = '${uuidOf(story.waiting)}'`);
    const fresh = await world.another();
    lines.length = 0;

    await expect(fresh.answer('GetBalance', { customerId: 'ada' })).rejects.toThrow('internal error');
    expect(lines.join('')).toContain('UnreadableError');
    expect(lines.join('')).toContain('remaining is NaN; verify the book');
  });
});
