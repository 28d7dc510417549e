import { afterAll, describe, expect, test } from 'vitest';
import { flat, inKey, type Columns } from '../../src/db/columns.ts';
import { ENTRIES, TRANSACTIONS } from '../../src/ledger/store.ts';
import { SUB_ACCOUNTS } from '../../src/ledger/sub-accounts.ts';
import { WRITES } from '../../src/ledger/writes.ts';
import { SCHEDULED_GRANTS } from '../../src/pending/scheduled-grants.ts';
import { ADVANCES, REDUCTIONS } from '../../src/tables/advances.ts';
import { ALLOCATIONS, SPLITS_KEPT } from '../../src/tables/allocations.ts';
import { BOOK_REGISTER, BOOKS } from '../../src/tables/books.ts';
import { CHARGE_EVENTS, CHARGES } from '../../src/tables/charges.ts';
import { CURRENCIES } from '../../src/tables/currencies.ts';
import { FORMER_TERMS } from '../../src/tables/former-terms.ts';
import { GRANTS } from '../../src/tables/grants.ts';
import { IDEMPOTENCY } from '../../src/tables/remembered.ts';
import { testDatabase } from '../support/postgres.ts';
import { openSql } from '../support/sql.ts';

const { url } = await testDatabase();
const sql = await openSql(url);
afterAll(() => sql.end());

const CODECS: Readonly<Record<string, Columns<never>>> = {
  ...Object.fromEntries(
    [
      GRANTS,
      FORMER_TERMS,
      CHARGES,
      CHARGE_EVENTS,
      ADVANCES,
      REDUCTIONS,
      ALLOCATIONS,
      SPLITS_KEPT,
      IDEMPOTENCY,
      SUB_ACCOUNTS,
      WRITES,
      TRANSACTIONS,
      ENTRIES,
      SCHEDULED_GRANTS,
    ].map(({ name, columns }) => [name, columns as Columns<never>]),
  ),
  books: BOOKS.columns,
  book_register: BOOK_REGISTER.columns,
  currencies: CURRENCIES.columns,
};

/** Written and read by SQL alone: no value of theirs ever leaves the database. */
const WITHOUT = ['late_summed', 'late_sums'];

type Column = { readonly name: string; readonly type: string; readonly optional: boolean };
type Table = {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The columns of each unique index. */
  readonly keys: readonly (readonly string[])[];
};

// In the order of names: what a statement lists, it names.
const tables = await sql.rows<Table>(`
  select c.relname as name,
    (select json_agg(json_build_object(
       'name', a.attname,
       'type', case format_type(a.atttypid, a.atttypmod) when 'timestamp(3) with time zone' then 'timestamptz'
               else format_type(a.atttypid, a.atttypmod) end,
       'optional', not a.attnotnull
     ) order by a.attname)
     from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select json_agg(
       (select json_agg(a.attname order by a.attname) from pg_attribute a
        where a.attrelid = i.indrelid and a.attnum = any(i.indkey)))
     from pg_index i where i.indrelid = c.oid and i.indisunique) as keys
  from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not like 'knex_%'
  order by c.relname`);

test('every table has a codec but those that are written by SQL alone', () => {
  expect(tables.map(({ name }) => name)).toEqual([...Object.keys(CODECS), ...WITHOUT].toSorted());
});

describe.each(tables.filter(({ name }) => name in CODECS))(
  'the codec of $name',
  ({ name, columns, keys }) => {
    const declared = flat(CODECS[name]!).toSorted((a, b) => (a.name < b.name ? -1 : 1));

    test('has exactly the columns that the table has, with their types', () => {
      const shown = declared.map((column): Column => {
        const { type, optional } = column;
        return { name: column.name, type, optional };
      });
      expect(shown).toEqual(columns);
    });

    test('names a row by what is unique', () => {
      expect(keys).toContainEqual(declared.filter(({ set }) => set === inKey).map((column) => column.name));
    });
  },
);
