import { answerHash } from '../book/facts.ts';
import { writtenAnswers } from './answers.ts';
import type { WrittenBook } from './stored-books.ts';
import type { Connection } from '../db/database.ts';
import type { Finding } from './finding.ts';

/**
 * The answers remembered under a book's keys, as far as no write tells of them: those of successes that took no version
 * carry their own hash, and any other is of nobody. `ofWrites`: how many belong to a write; null where some may be older
 * than their hashes.
 */
export async function checkAnswers(
  connection: Connection,
  book: WrittenBook,
  ofWrites: number | null,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let others = 0;
  const { key, shard, id: bookId, version } = book;
  for await (const page of writtenAnswers(connection, book)) {
    for (const answered of page) {
      if (answered.hash === null) {
        others += 1;
        continue;
      }
      const should = answerHash({ key, shard, bookId }, answered.key, answered);
      if (should.equals(answered.hash)) continue;
      const [expected, actual] = [answered.hash.toString('hex'), should.toString('hex')];
      const message = `the answer remembered under key "${answered.key}" (${answered.method}) was changed`;
      findings.push({ kind: 'HASH_CHAIN', version, expected, actual, message });
    }
  }
  if (ofWrites !== null && others > ofWrites) {
    const message = `${others - ofWrites} answers are remembered under keys that no write tells of`;
    const counts = { expected: String(ofWrites), actual: String(others) };
    findings.push({ kind: 'DANGLING_ROW', version, ...counts, message });
  }
  return findings;
}
