import { statement, type Connection } from '../db/database.ts';
import { idOf } from '../id.ts';
import { LARGE, SMALL, sumsOfEntries } from '../ledger/late-entries.ts';
import type { BookPlace } from './book-set.ts';
import { finding, type Finding } from './finding.ts';

/** What is summed up of late entries, against the entries. */

const EXTENT = statement<{ below_version: number | null; rows_below: number | null }>(
  'late_sums_extent',
  `select
     (select m.below_version from late_summed m where m.shard = $1 and m.book_id = $2) as below_version,
     (select max((l.block + 1) * case l.level when 2 then ${LARGE} else ${SMALL} end) from late_sums l
      where l.shard = $1 and l.book_id = $2) as rows_below`,
);

const expected = (level: 1 | 2, size: number) => `
  select ${level} as level, sums.* from (${sumsOfEntries({
    shard: '$1',
    bookId: '$2::bigint',
    size: String(size),
    first: '$3::bigint',
    past: `least($3::bigint + ${LARGE}, $4::bigint) / ${size} * ${size}`,
  })}) sums`;

// One large block at a time, compared where the rows are: only what differs is told.
const STALE = statement<{ level: number; block: number; kind: 'ACCOUNT' | 'GRANT'; series: string }>(
  'late_sums_stale',
  `select distinct level, block, kind, series
   from (${expected(1, SMALL)} union all ${expected(2, LARGE)}) should
   full join (
     select l.level::integer, l.kind, l.block, l.series, l.first_at, l.until_at, l.instants, l.totals from late_sums l
     where l.shard = $1 and l.book_id = $2 and (
       l.level = 1 and l.block >= $3 / ${SMALL} and l.block < ($3 + ${LARGE}) / ${SMALL}
       or l.level = 2 and l.block = $3 / ${LARGE})
   ) is_there using (level, kind, block, series, first_at)
   where (should.until_at, should.instants, should.totals)
     is distinct from (is_there.until_at, is_there.instants, is_there.totals)
   order by 1, 2, 3, 4
   limit 100`,
);

/** Each block and series whose rows are not what entries come to, and a claim to have summed up what is not there yet. */
export async function* staleLateSums(
  connection: Connection,
  { shard, id, version }: BookPlace & { readonly version: number },
): AsyncGenerator<readonly Finding[], void, undefined> {
  const [extent] = await connection.run(EXTENT, [shard, id]);
  const below = extent!.below_version ?? 0;
  if (below > version + 1 || below % SMALL !== 0) {
    const message = `late entries are said to be summed up below version ${below}; the book has ${version}`;
    const whole = Math.floor((version + 1) / SMALL) * SMALL;
    yield [finding('PROJECTION', { version }, `at most ${whole}`, String(below), message)];
  }
  for (let first = 0; first < Math.max(below, extent!.rows_below ?? 0); first += LARGE) {
    const rows = await connection.run(STALE, [shard, id, first, Math.min(below, version + 1)]);
    yield rows.map(({ level, block, kind, series }) => {
      const from = block * (level === 2 ? LARGE : SMALL);
      const to = from + (level === 2 ? LARGE : SMALL) - 1;
      const whose = kind === 'GRANT' ? idOf('grt', series) : idOf('acc', series);
      const message = `what versions ${from} to ${to} told late of ${whose} is not summed up as its entries say`;
      const place = { version: Math.min(to, version), ...(kind === 'GRANT' && { grantId: whose }) };
      return finding('PROJECTION', place, 'the sums of its entries', 'others', message);
    });
  }
}
