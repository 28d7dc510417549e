/**
 * The entries of a row `t` of `transactions`: it says where each lies, so each is one probe of their key, however many
 * others its write or its sub-accounts have. Row by row ("offset 0" keeps it so): as a join Postgres may read all.
 */
export const entriesOf = ({ shard }: { readonly shard: string }): string => `
  select e.* from unnest(t.sub_accounts) with ordinality lies (sub_account, place)
  cross join lateral (
    select * from entries e
    where e.shard = ${shard} and e.book_id = t.book_id and e.sub_account = lies.sub_account
      and e.version = t.version and e.position = t.first_position + lies.place - 1
    offset 0
  ) e`;
