import { statement, type Connection } from '../db/database.ts';
import type { Answered } from '../book/facts.ts';

/** Remembered answers as they stand in their rows, for verification. */

type Book = { readonly shard: number; readonly id: string };
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

/** All answers of a book in pages. */
export async function* writtenAnswers(
  connection: Connection,
  { shard, id }: Book,
): AsyncGenerator<readonly WrittenAnswer[], void, undefined> {
  for (let after = ''; ;) {
    const page = await connection.run(ALL, [shard, id, after]);
    yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.key;
  }
}
