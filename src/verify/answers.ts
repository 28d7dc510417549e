import { answerHash, type Answered } from '../book/facts.ts';
import { statement, type Connection } from '../db/database.ts';
import { finding, type Finding } from './finding.ts';
import type { Book } from './book-set.ts';
import type { StoredBook } from './check-book.ts';

/** Remembered answers as they stand in their rows, for verification. */

type Row = { key: string; method: string; request: Buffer; answer: Buffer; hash: Buffer | null };

/** `hash`: of a success that took no version; null where a write tells of the key. */
export type WrittenAnswer = Answered & { readonly key: string; readonly hash: Buffer | null };

const OF_KEYS = statement<Row>(
  'answers_of_keys',
  `select i.key, i.method, i.request, i.answer, i.hash from unnest($3::text[]) named (key)
   join lateral (
     select * from idempotency i where i.shard = $1 and i.book_id = $2 and i.key = named.key offset 0
   ) i on true`,
);

/** The answers under some keys of a book, by key. */
export const answersOf = async (
  connection: Connection,
  { shard, id }: Book,
  keys: readonly string[],
): Promise<ReadonlyMap<string, WrittenAnswer>> =>
  keys.length === 0
    ? new Map()
    : new Map((await connection.run(OF_KEYS, [shard, id, keys])).map((row) => [row.key, row]));

const PAGE = 500;
const ALL = statement<Row>(
  'answers_to_verify',
  `select key, method, request, answer, hash from idempotency where shard = $1 and book_id = $2 and key > $3
   order by key limit ${PAGE}`,
);

/**
 * The answers remembered under a book's keys, as far as no write tells of them: those of successes that took no version
 * carry their own hash, and any other is of nobody. `ofWrites`: how many belong to a write; null where some may be older
 * than their hashes.
 */
export async function checkAnswers(
  connection: Connection,
  book: StoredBook,
  ofWrites: number | null,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let others = 0;
  const { key, shard, id: bookId, version } = book;
  let last: string | null = '';
  while (last !== null) {
    const page: readonly Row[] = await connection.run(ALL, [shard, bookId, last]);
    last = page.length < PAGE ? null : page.at(-1)!.key;
    for (const answered of page) {
      if (answered.hash === null) {
        others += 1;
        continue;
      }
      const should = answerHash({ key, shard, bookId }, answered.key, answered);
      if (should.equals(answered.hash)) continue;
      const [expected, actual] = [answered.hash.toString('hex'), should.toString('hex')];
      const message = `the answer remembered under key "${answered.key}" (${answered.method}) was changed`;
      findings.push(finding('HASH_CHAIN', { version }, expected, actual, message));
    }
  }
  if (ofWrites !== null && others > ofWrites) {
    const message = `${others - ofWrites} answers are remembered under keys that no write tells of`;
    findings.push(finding('DANGLING_ROW', { version }, String(ofWrites), String(others), message));
  }
  return findings;
}
