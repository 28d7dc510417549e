import type { Amount } from '../amount.ts';
import { codec, ifAny, type Row, type Shape } from '../db/codec.ts';
import { as, digits, integer, inKey, numeric, optional, smallint, text, texts } from '../db/columns.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { booksOnce, inShard, ofNamed, PLACES, placesOf, type Placed } from '../db/placement.ts';
import { tableOf } from '../db/table.ts';
import { PersistentMap } from '../persistent-map.ts';
import { subAccountKey, type SubAccount } from './account.ts';
import { lastTotal } from './as-of.ts';
import type { Appended, JournalHead, SubAccountHead } from './journal.ts';

/** The only writer of `sub_accounts`. */

/** The columns of a tax, in whatever table. */
export const TAX = ifAny({ code: as('tax_code', text), behavior: as('tax_behavior', optional(text)) });

export const ROUTED: Shape<SubAccount> = {
  type: text,
  currency: text,
  featureKeys: texts,
  priority: optional(smallint),
  costBasis: optional(numeric),
  stage: optional(text),
  tax: TAX,
};

/** An account and its route, wherever a statement joins its row. */
export const SUB_ACCOUNT = codec(ROUTED);

export const SUB_ACCOUNTS = tableOf<Appended['opened'][number]>('sub_accounts', {
  ordinal: inKey(integer),
  uuid: as('id', digits),
  ...ROUTED,
});

const p = parameters(PLACES);

const HEADS = statement<Row<Appended['opened'][number]> & { book_id: number; total: Amount | null }>(
  'ledger_heads',
  `select ${SUB_ACCOUNTS.select('s')}, last.amount as total
   from unnest(${p.shards}, ${p.bookIds}) named (shard, book_id)
   ${ofNamed('sub_accounts', 's', 'true')}
   left join lateral (${lastTotal({ shard: 's.shard', bookId: 's.book_id', account: 's.ordinal', where: inShard('e') })}
   ) last on true`,
);

/** The sub-accounts of some books with their running totals, by book; the heads' hashes are kept with the books. */
export async function loadSubAccounts(
  connection: Connection,
  named: readonly Placed[],
): Promise<ReadonlyMap<number, JournalHead['subAccounts']>> {
  if (named.length === 0) return new Map();
  const books = new Map<number, [string, SubAccountHead][]>();
  for (const row of await connection.run(HEADS, bind(p, placesOf(booksOnce(named))))) {
    const { uuid, ordinal, ...account } = SUB_ACCOUNTS.read(row);
    const accounts = books.get(row.book_id) ?? [];
    accounts.push([subAccountKey(account), { uuid, ordinal, total: row.total ?? 0n }]);
    books.set(row.book_id, accounts);
  }
  return new Map([...books].map(([id, accounts]) => [id, PersistentMap.of(accounts)]));
}
