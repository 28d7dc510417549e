import { classify, refusalOf } from '../db/failure.ts';
import type { Result, Undone } from './answer-one.ts';
import type { BatchObserver } from './batch-observer.ts';
import type { Manner } from './commit.ts';
import type { Left, Waiting } from './line.ts';
import type { Submission } from './submission.ts';

export type Committing = {
  readonly commit: (submissions: readonly Submission[], manner: Manner) => Promise<readonly Result[]>;
  /** The milliseconds that deadlines are told in. */
  readonly now: () => number;
  readonly observer?: BatchObserver | undefined;
};

/** How often one write that meets conflicts is tried before its caller is told, and a batch before it is split. */
const ATTEMPTS = { alone: 3, together: 2 };

/** How long a write waits for what somebody else has locked, however often it is tried meanwhile. */
export const PATIENCE_MS = 1_000;

/** The how-manieth time a batch is committed, how, and until when it may be committed again. */
export type Attempt = { readonly nth: number; readonly manner: Manner; readonly until: number };

export const FIRST: Attempt = { nth: 1, manner: 'first', until: Infinity };
export const PATIENT: Attempt = { ...FIRST, manner: 'patient' };
export const AGAIN: Attempt = { ...FIRST, manner: 'again' };

const NOTHING: Left = { locked: [], unbegun: [] };

/**
 * Commits a batch and tells every caller, but those of whose submissions nothing was done: these are given back. A batch
 * that the database refuses, or that conflicts again when tried again, is split until the culprit stands alone:
 * whatever one write runs into, nobody who shares its batch does. But whatever takes time to fail does not go on failing
 * piece by piece: what is left after {@link PATIENCE_MS} is told.
 */
export async function commitAndTell(
  committing: Committing,
  batch: readonly Waiting[],
  { nth, manner, until }: Attempt,
): Promise<Left> {
  const { commit, now, observer } = committing;
  const work = () =>
    commit(
      batch.map((one) => one.submission),
      manner,
    );
  try {
    const results = await (observer === undefined ? work() : observer.around(batch, manner, work));
    const left = batch.map((one, i) => [one, tell(one, results[i]!)] as const);
    const of = (undone: Undone) => left.flatMap(([one, why]) => (why === undone ? [one] : []));
    return { locked: of('locked'), unbegun: of('unbegun') };
  } catch (error) {
    const failure = classify(error);
    const time = now();
    const isInTheWay = failure === 'conflict' || failure === 'slow';
    const next: Omit<Attempt, 'nth'> = isInTheWay
      ? { manner: 'again', until: Math.min(until, time + PATIENCE_MS) }
      : { manner, until };
    const mayGoOn = !isInTheWay || time < next.until;
    const attempts = batch.length > 1 ? ATTEMPTS.together : ATTEMPTS.alone;
    if (failure === 'conflict' && mayGoOn && nth < attempts) {
      observer?.again('retry');
      return commitAndTell(committing, batch, { ...next, nth: nth + 1 });
    }
    // A lost connection says nothing about the batch, which may have happened; one that none could be had for did not begin.
    const isOfTheBatch = failure !== 'unavailable' && failure !== 'busy';
    if (isOfTheBatch && mayGoOn && batch.length > 1) return split(committing, batch, { ...next, nth: 1 });
    const told = refusalOf(
      error,
      'whether the write happened is unknown, repeat it with its idempotency_key',
    );
    for (const one of batch) one.reject(told ?? error);
    return NOTHING;
  }
}

/** One half after the other; what is wanted of a book whose turn has not come in the first has to wait for it. */
async function split(committing: Committing, batch: readonly Waiting[], attempt: Attempt): Promise<Left> {
  committing.observer?.again('split');
  const half = Math.ceil(batch.length / 2);
  const first = await commitAndTell(committing, batch.slice(0, half), attempt);
  const [locked, unbegun] = [booksOf(first.locked), booksOf(first.unbegun)];
  const { own = [], ...behind } = Object.groupBy(batch.slice(half), ({ book }) =>
    locked.has(book) ? 'locked' : unbegun.has(book) ? 'unbegun' : 'own',
  );
  const second = own.length === 0 ? NOTHING : await commitAndTell(committing, own, attempt);
  return {
    locked: [...first.locked, ...(behind.locked ?? []), ...second.locked],
    unbegun: [...first.unbegun, ...(behind.unbegun ?? []), ...second.unbegun],
  };
}

const booksOf = (some: readonly Waiting[]): ReadonlySet<string> => new Set(some.map(({ book }) => book));

/** Tells a caller what became of its submission, or gives why nothing has. */
function tell({ resolve, reject }: Waiting, result: Result): Undone | undefined {
  if (result.ok) resolve(result.message);
  else if ('undone' in result) return result.undone;
  else reject(result.error);
  return undefined;
}
