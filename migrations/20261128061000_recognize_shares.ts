import type { Knex } from 'knex';

/**
 * A grant keeps how much of it is revenue, and how its purchase currency is rounded: money recognized is the share of
 * the purchase amount that all recognized units are, less what was recognized before.
 *
 * Lock impact: `grants` is locked for the moment the columns take, which rewrites nothing; then grants that were paid
 * for or recognized are updated, and writes to the books that have such wait for that. `allocations` is read once.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table grants
      add column purchase_precision smallint not null default 0,
      add column recognized numeric not null default 0`);
  // The ISO 4217 codes that have no two decimals, as of this release; the namespace's own units know theirs.
  await knex.raw(`
    update grants g set purchase_precision = coalesce(
      (select c.precision from books b join currencies c on c.namespace = b.namespace
       where b.shard = g.shard and b.id = g.book_id and c.code = g.purchase_currency),
      case
        when g.purchase_currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF',
          'XAG', 'XAU', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XOF', 'XPD', 'XPF', 'XPT', 'XSU', 'XTS', 'XUA', 'XXX') then 0
        when g.purchase_currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
        when g.purchase_currency in ('CLF', 'UYW') then 4
        else 2
      end)
    where g.purchase_currency is not null`);
  await knex.raw(`
    update grants g set recognized = r.recognized
    from (
      select shard, book_id, grant_id, sum(recognized) as recognized
      from allocations where recognized > 0 group by shard, book_id, grant_id
    ) r
    where r.shard = g.shard and r.book_id = g.book_id and r.grant_id = g.id`);
  // NaN, which is above every number, is not within.
  await knex.raw(`
    alter table grants
      add constraint grants_recognized_within check (recognized between 0 and consumed and recognized <> 'NaN') not valid`);
  await knex.raw(`alter table grants validate constraint grants_recognized_within`);
}
