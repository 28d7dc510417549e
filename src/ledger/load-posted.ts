import type { Amount } from '../amount.ts';
import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { bind, parameters } from '../db/parameters.ts';
import { eachOnce, inShard, PLACES, placesOf, type Placed } from '../db/placement.ts';
import type { FoundFact } from '../db/table.ts';
import { idOf } from '../id.ts';
import type { SubAccount } from './account.ts';
import { entriesOf } from './entries-of.ts';
import type { Posted } from './manual-rules.ts';
import type { PostingKind } from './posting.ts';
import { SUB_ACCOUNT } from './sub-accounts.ts';
import { askedById, idIn, rowAsked } from './transaction-id.ts';

type PostedRow = Row<SubAccount> & {
  book_id: number;
  id: string;
  kind: PostingKind;
  version: number;
  position: number | null;
  amount: Amount;
  grant_id: string | null;
  charge_id: string | null;
  reversed: boolean;
};

const p = parameters({ ...PLACES, transactionIds: 'uuid[]', versions: 'bigint[]', ordinals: 'integer[]' });

const ASKED = rowAsked(
  {
    shard: 'named.shard',
    bookId: 'named.book_id',
    transactionId: 'named.id',
    atVersion: 'named.version',
    atOrdinal: 'named.ordinal',
  },
  inShard('t'),
);

// Only manual transactions can be reversed, so only theirs are read entry by entry.
const POSTED = statement<PostedRow>(
  'posted_transactions',
  `select t.book_id, ${idIn('t')} as id, t.kind, t.version, e.position, e.amount, e.grant_id, e.charge_id,
          ${SUB_ACCOUNT.select('s')},
          exists (
            select from entries r
            where r.shard = t.shard and r.book_id = t.book_id and r.kind = 'REVERSE'
              and r.reversed_version = e.version and r.reversed_position = e.position
          ) as reversed
   from unnest(${p.shards}, ${p.bookIds}, ${p.transactionIds}, ${p.versions}, ${p.ordinals})
     named (shard, book_id, id, version, ordinal)
   join lateral (${ASKED}) t on true
   left join lateral (
     select * from (${entriesOf({ shard: 't.shard' })}) e where t.kind = 'MANUAL'
   ) e on true
   left join sub_accounts s on s.shard = t.shard and s.book_id = t.book_id and s.ordinal = e.sub_account
   order by t.book_id, t.version, t.ordinal, e.position`,
);

/** Transactions named by their ids, as far as a reversal needs them; an id the book does not have gives nothing. */
export async function loadPosted(
  connection: Connection,
  named: readonly (Placed & { readonly transactionId: string })[],
): Promise<readonly FoundFact<Posted>[]> {
  if (named.length === 0) return [];
  const transactions = eachOnce(named, ({ transactionId }) => transactionId);
  const asked = transactions.map((one) => askedById(one, one.transactionId));
  const params = bind(p, placesOf(transactions), {
    transactionIds: asked.map((one) => one.transactionId),
    versions: asked.map((one) => one.atVersion),
    ordinals: asked.map((one) => one.atOrdinal),
  });
  const rows = await connection.run(POSTED, params);
  return [...Map.groupBy(rows, ({ book_id, id }) => `${book_id} ${id}`).values()].map((own) => {
    const { book_id: bookId, id, kind, reversed } = own[0]!;
    const legs = own.flatMap(({ version, position, ...row }) =>
      position === null
        ? []
        : {
            account: SUB_ACCOUNT.read(row),
            amount: row.amount,
            entry: { version, position },
            grantId: row.grant_id === null ? null : idOf('grt', row.grant_id),
            chargeId: row.charge_id === null ? null : idOf('chg', row.charge_id),
          },
    );
    return { bookId, fact: { id: idOf('txn', id), kind, reversed, legs } };
  });
}
