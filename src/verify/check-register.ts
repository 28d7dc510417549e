import { shardOf, type BookKey } from '../tables/book-key.ts';
import { shardsOf, type Owner, type WrittenBook } from './stored-books.ts';
import { missingBooks, orphansOf } from './register.ts';
import type { Connection } from '../db/database.ts';
import type { Finding } from './finding.ts';

/** A book against the register: made for whom it is now, and where it belongs. */
export function checkRegistered({ key, registered, shard, id, version }: WrittenBook): Finding[] {
  const about = { kind: 'BOOK_REGISTER', version } as const;
  if (registered === null) {
    const message = `the book ${id} of ${named(key)} is not in the register of books`;
    return [{ ...about, expected: named(key), actual: 'none', message }];
  }
  if (named(registered) !== named(key)) {
    const message = `the book ${id} was made for ${named(registered)}, and is of ${named(key)} now`;
    return [{ ...about, expected: named(registered), actual: named(key), message }];
  }
  if (shardOf(key) !== shard) {
    const message = `the book ${id} of ${named(key)} lies in shard ${shard}, where nobody looks for it`;
    return [{ ...about, expected: `shard ${shardOf(key)}`, actual: `shard ${shard}`, message }];
  }
  return [];
}

/** Books that were made for an owner and are not there; of a namespace also rows of books there are not. */
export async function* checkSet(
  connection: Connection,
  owner: Owner,
): AsyncGenerator<{ readonly customerId: string; readonly finding: Finding }, void, undefined> {
  for await (const { bookId, key, now } of missingBooks(connection, owner)) {
    // One that is of another name in the same namespace has been told with it.
    if (now?.namespace === key.namespace && owner.customerId === null) continue;
    const actual = now === null ? 'none' : named(now);
    const message = `the book ${bookId} was made for ${named(key)}, and ${now === null ? 'is not there' : `is of ${actual} now`}`;
    const finding = { kind: 'BOOK_REGISTER', version: 0, expected: named(key), actual, message } as const;
    yield { customerId: key.customerId, finding };
  }
  if (owner.customerId !== null) return;
  for (const shard of shardsOf(owner)) {
    for (const [bookId, tables] of await orphansOf(connection, shard, owner.namespace)) {
      const message = `rows in ${tables.join(', ')} of shard ${shard} are of a book ${bookId}, which is not there`;
      const counts = { expected: `book ${bookId}`, actual: 'none' };
      yield { customerId: '', finding: { kind: 'DANGLING_ROW', version: 0, ...counts, message } };
    }
  }
}

const named = ({ namespace, customerId }: BookKey): string => `${customerId} in namespace ${namespace}`;
