import { answerHash } from '../book/facts.ts';
import type { Row } from '../db/codec.ts';
import { statement, type Connection } from '../db/database.ts';
import { IDEMPOTENCY, type UsedKey } from '../tables/remembered.ts';
import type { RegisteredBook } from './check-book.ts';
import { finding, type Finding } from './finding.ts';
import { pagesByText } from './pages.ts';

/** `told`: the version of the write that has the key, too. */
type Answer = UsedKey & { readonly told: number | null };

const PAGE = 500;
const ALL = statement<Row<UsedKey> & { told: number | null }>(
  'answers_to_verify',
  `select ${IDEMPOTENCY.select('i')}, w.version as told from idempotency i
   left join lateral (
     select * from writes w where w.shard = $1 and w.book_id = $2 and w.idempotency_key = i.key and w.request is not null offset 0
   ) w on true
   where i.shard = $1 and i.book_id = $2 and i.key > $3
   order by i.key limit ${PAGE}`,
);

/**
 * The answers remembered under a book's keys of which no write tells: those of successes that took no version. Each
 * carries its own hash, unless it may be older than those, which it may where not all versions are `hashedSince` the
 * first; and none is remembered under the key of a write.
 */
export async function checkAnswers(
  connection: Connection,
  { key, shard, id: bookId, uuid, version }: RegisteredBook,
  hashedSince: number,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const pages = pagesByText(
    PAGE,
    async (after) =>
      (await connection.run(ALL, [shard, bookId, after])).map((row): Answer => ({
        ...IDEMPOTENCY.read(row),
        told: row.told,
      })),
    (answer) => answer.key,
  );
  for await (const page of pages) {
    for (const { key: used, remembered, hash, told } of page) {
      const what = `the answer remembered under key "${used}" (${remembered.method})`;
      const should = hash && answerHash({ key, shard, uuid }, used, remembered);
      if (told !== null) {
        const message = `${what} is remembered twice: version ${told} was written under that key`;
        findings.push(finding('DANGLING_ROW', { version: told }, 'none', used, message));
      } else if (should === null && hashedSince === 1) {
        const message = `${what} has no hash, and no write tells of it`;
        findings.push(finding('DANGLING_ROW', { version }, 'a write', 'none', message));
      } else if (should !== null && !should.equals(hash!)) {
        const [expected, actual] = [hash!.toString('hex'), should.toString('hex')];
        findings.push(finding('HASH_CHAIN', { version }, expected, actual, `${what} was changed`));
      }
    }
  }
  return findings;
}
