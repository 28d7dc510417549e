import { answerHash } from '../book/facts.ts';
import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { IDEMPOTENCY, type UsedKey } from '../tables/remembered.ts';
import type { BookPlace } from './book-set.ts';
import type { RegisteredBook } from './check-book.ts';
import { finding, type Finding } from './finding.ts';
import { pagesByText } from './pages.ts';

const OF_KEYS = statement<Row<UsedKey>>(
  'answers_of_keys',
  `select ${IDEMPOTENCY.select('i')} from unnest($3::text[]) named (key)
   join lateral (
     select * from idempotency i where i.shard = $1 and i.book_id = $2 and i.key = named.key offset 0
   ) i on true`,
);

/** The answers remembered under some keys of a book, by key. */
export const answersOf = async (
  connection: Connection,
  { shard, id }: BookPlace,
  keys: readonly string[],
): Promise<ReadonlyMap<string, UsedKey>> =>
  keys.length === 0
    ? new Map()
    : new Map(
        (await connection.run(OF_KEYS, [shard, id, keys])).map((row) => {
          const answer = IDEMPOTENCY.read(row);
          return [answer.key, answer];
        }),
      );

const PAGE = 500;
const ALL = statement<Row<UsedKey>>(
  'answers_to_verify',
  `select ${IDEMPOTENCY.select('i')} from idempotency i where i.shard = $1 and i.book_id = $2 and i.key > $3
   order by i.key limit ${PAGE}`,
);

/**
 * The answers remembered under a book's keys, as far as no write tells of them: those of successes that took no version
 * carry their own hash, and any other is of nobody. `ofWrites`: how many belong to a write; null where some may be older
 * than their hashes.
 */
export async function checkAnswers(
  connection: Connection,
  book: RegisteredBook,
  ofWrites: number | null,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let others = 0;
  const { key, shard, id: bookId, version } = book;
  const pages = pagesByText(
    PAGE,
    async (after) => (await connection.run(ALL, [shard, bookId, after])).map(IDEMPOTENCY.read),
    (answer) => answer.key,
  );
  for await (const page of pages) {
    for (const { key: used, remembered, hash } of page) {
      if (hash === null) others += 1;
      const should = hash && answerHash({ key, shard, bookId }, used, remembered);
      if (should === null || should.equals(hash!)) continue;
      const message = `the answer remembered under key "${used}" (${remembered.method}) was changed`;
      const [expected, actual] = [hash!.toString('hex'), should.toString('hex')];
      findings.push(finding('HASH_CHAIN', { version }, expected, actual, message));
    }
  }
  if (ofWrites !== null && others > ofWrites) {
    const message = `${others - ofWrites} answers are remembered under keys that no write tells of`;
    findings.push(finding('DANGLING_ROW', { version }, String(ofWrites), String(others), message));
  }
  return findings;
}
