import type { Knex } from 'knex';

/**
 * Columns that say something only together: what one alone would say nobody reads, so nobody would see it changed. And
 * the number that came just before 20261128070000, which refuses what is none.
 *
 * Lock impact: as of the conditions of 20261128070000: an exclusive lock for an instant on one table after the other,
 * then each is read once beside readers and writers. Rows that break one stay, and the constraint not valid.
 */
export const config = { transaction: false };

export async function up(knex: Knex): Promise<void> {
  for (const [name, { table, condition }] of Object.entries(CONDITIONS)) {
    await knex.raw(`
      alter table ${table}
        drop constraint if exists ${name},
        add constraint ${name} check (${condition}) not valid`);
  }
  for (const [name, { table }] of Object.entries(CONDITIONS)) {
    await knex.raw(`alter table ${table} validate constraint ${name}`).catch(unlessViolated);
  }
}

const CHECK_VIOLATION = '23514';

function unlessViolated(error: Error & { readonly code?: string }): void {
  if (error.code !== CHECK_VIOLATION) throw error;
}

const TAX = 'tax_behavior is null or tax_code is not null';

const CONDITIONS: Readonly<Record<string, { readonly table: string; readonly condition: string }>> = {
  grants_together: {
    table: 'grants',
    condition: `(${TAX}) and (voided_at is not null or (void_reason is null and not released))`,
  },
  charges_together: { table: 'charges', condition: TAX },
  advances_together: { table: 'advances', condition: TAX },
  sub_accounts_together: { table: 'sub_accounts', condition: TAX },
  entries_together: {
    table: 'entries',
    condition: '(reversed_version is null) = (reversed_position is null)',
  },
  // By itself, like every number: what it lies within is another column.
  grants_recognized_readable: {
    table: 'grants',
    condition: `recognized > '-Infinity' and recognized < 'Infinity'`,
  },
};
