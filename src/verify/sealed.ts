import type { Fact, Identity } from '../book/facts.ts';
import { writeLink } from '../book/facts.ts';
import { answersOf, type WrittenAnswer } from './answers.ts';
import type { WrittenBook } from './stored-books.ts';
import { readFacts } from './facts.ts';
import type { Connection } from '../db/database.ts';
import type { Sealed } from './check-chain.ts';
import { writtenVersions } from './read-written.ts';
import type { Written, WrittenWrite } from './written.ts';

/** A version of a book with the link its write should have by its facts, its answer and its owner. */
export type SealedVersion = {
  readonly version: Written;
  readonly sealed: Sealed | null;
  /** Whether an answer is remembered under its key. */
  readonly answered: boolean;
};

/** A book's versions, oldest first, in pages. Within one transaction. */
export async function* sealedVersions(
  connection: Connection,
  book: WrittenBook,
): AsyncGenerator<readonly SealedVersion[], void, undefined> {
  const facts = await readFacts(connection, book);
  for await (const versions of writtenVersions(connection, book)) {
    const keys = versions.flatMap(({ write }) => write?.idempotencyKey ?? []);
    const answers = await answersOf(connection, book, keys);
    const sealed: SealedVersion[] = [];
    for (const version of versions) {
      const { write } = version;
      const factsOf = await facts.at(version.version);
      const answer = answers.get(write?.idempotencyKey ?? '') ?? null;
      const salt = write?.salt ?? null;
      const seal =
        write === null || salt === null ? null : sealOf(book, version.version, write, factsOf(salt), answer);
      sealed.push({ version, sealed: seal, answered: answer !== null });
    }
    yield sealed;
  }
}

function sealOf(
  { key, registered, shard, id: bookId }: WrittenBook,
  version: number,
  write: WrittenWrite,
  facts: readonly Fact[],
  answered: WrittenAnswer | null,
): Sealed {
  // For whom it was made: whether that is whose it is now is told once, by the register.
  const owner: Identity = { key: registered ?? key, shard, bookId };
  const subject = (kind: 'grt' | 'chg') => {
    const [one, ...others] = new Set(facts.map(([, of]) => of).filter((id) => id.startsWith(kind)));
    return others.length === 0 ? one : undefined;
  };
  const [grantId, chargeId] = [subject('grt'), subject('chg')];
  return {
    linkAfter: (before) =>
      writeLink(before, owner, { ...write, salt: write.salt!, version, facts, answered }),
    about: { ...(grantId !== undefined && { grantId }), ...(chargeId !== undefined && { chargeId }) },
  };
}
