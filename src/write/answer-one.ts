import { answerHash } from '../book/facts.ts';
import type { Bounds } from '../credit/bounds.ts';
import { specOf, type Command } from '../credit/command.ts';
import { decide } from '../credit/decide.ts';
import type { UuidMaker } from '../id.ts';
import type { Instant } from '../instant.ts';
import { randomSalt, type Salt } from '../ledger/hash.ts';
import { append } from '../ledger/journal.ts';
import { refuse, refuseFields } from '../refusal.ts';
import { isWithdrawn } from '../tables/iso-4217.ts';
import { makerOf, record, remember, rememberedIn, type Session } from './session.ts';
import type { Submission } from './submission.ts';

/**
 * What became of one submission: its message, or the error (a refusal, as a rule) that concerns its caller alone; or
 * nothing was done, and it is to be tried again.
 */
export type Result =
  | { readonly ok: true; readonly message: unknown }
  | { readonly ok: false; readonly error: unknown }
  | { readonly ok: false; readonly undone: Undone };

/** `locked`: somebody else has the book's lock. `unbegun`: its batch had been deciding for long enough. */
export type Undone = 'locked' | 'unbegun';

export type DecideDeps = {
  readonly uuids: UuidMaker;
  /** Tests may tell them; else they are drawn from the system. */
  readonly salts?: () => Salt;
  /** How many milliseconds ahead of now a caller's clock may be. */
  readonly leewayMs: number;
  /** What may be open in one book; tests without a word about it are not bounded. */
  readonly bounds?: Bounds;
};

/** Decides one submission; whatever that throws is its own result, and the session is as it was. */
export function answerOne(deps: DecideDeps, session: Session, submission: Submission, now: Instant): Result {
  let answer: Prepared;
  try {
    answer = prepare(deps, session, submission, now);
  } catch (error) {
    return { ok: false, error };
  }
  // Not caught: a session that holds half of a write must not be stored.
  answer.keep();
  return { ok: true, message: answer.message };
}

/** What a submission comes to: all that can go wrong with it has not. Nothing of it is in the session before `keep`. */
type Prepared = { readonly message: unknown; keep(): void };

function prepare(deps: DecideDeps, session: Session, submission: Submission, now: Instant): Prepared {
  const { command, idempotencyKey: key, reply, actor } = submission;
  const { method } = specOf(command);
  const first = key === null ? undefined : rememberedIn(session, key);
  if (first !== undefined) {
    const field = first.method === method ? submission.differsFrom(first.request) : 'method';
    if (field !== null) return reused(key!, field, first.method);
    return { message: reply.replay(first.answer), keep: () => undefined };
  }
  const { decision, appended, recordedAt, salt } = decideIn(session, command, now, deps);
  const { changed, state, seen } = decision;
  const { version } = state;
  const message = reply.respond({
    ...decision,
    state: seen,
    version,
    recordedAt,
    appended,
    actor,
    makerOf: (id) => makerOf(session, id, actor),
  });
  const remembered =
    key === null ? null : { method, request: submission.content(), answer: reply.encode(message) };
  // Of a success that took no version no write tells.
  const untold =
    remembered === null || changed ? null : { recordedAt: now, hash: answerHash(session, key!, remembered) };
  return {
    message,
    keep() {
      const write = { recordedAt, salt, version, method, idempotencyKey: key, answered: remembered, actor };
      if (changed) record(session, decision, appended, write);
      if (remembered === null) return;
      remember(session, key!, remembered, untold);
    },
  };
}

/** What a command comes to in a book, and what it would add to its journal; neither is in the session yet. */
export function decideIn<C extends Command>(
  session: Pick<Session, 'bookId' | 'state' | 'head' | 'currencies'>,
  command: C,
  now: Instant,
  { uuids, salts = randomSalt, leewayMs, bounds }: DecideDeps,
) {
  refuseNewWithdrawn(command, session);
  const { bookId, state, head } = session;
  const decision = decide(state, command, now, leewayMs, bounds);
  // A success that changes nothing tells when the book was last written, if ever.
  const recordedAt = decision.changed || state.version === 0 ? now : state.clock;
  const salt = salts();
  const remaining = (grantId: string) => state.grants.get(grantId)?.remaining ?? 0n;
  const write = { bookId, version: decision.state.version, recordedAt, salt };
  const appended = append(head, decision.postings, write, remaining, uuids);
  return { decision, appended, recordedAt, salt };
}

const reused = (key: string, field: string, method: string): never =>
  refuse(
    'IDEMPOTENCY_KEY_REUSED',
    `idempotency_key "${key}" was used for another ${field === 'method' ? `call (${method})` : `request: ${field} differs`}`,
    { key, field },
  );

/**
 * A code withdrawn from ISO 4217 stays good in a book that holds it. UNKNOWN_CURRENCY where a command would bring one to
 * a book that does not (domain.md §14).
 */
function refuseNewWithdrawn(command: Command, book: Pick<Session, 'currencies' | 'head'>): void {
  const gone = specOf(command)
    .brings(command)
    .filter(({ code }) => isWithdrawn(code) && !holds(book, code));
  if (gone.length === 0) return;
  const violations = gone.map(({ code, field }) => {
    const message = `${code} has been withdrawn from ISO 4217, and is new to this customer's book`;
    return { field, rule: 'currency.current', message };
  });
  refuseFields(violations, 'UNKNOWN_CURRENCY');
}

/** As credit, or as money: what a grant was paid in has sub-accounts of its own. */
const holds = ({ currencies, head }: Pick<Session, 'currencies' | 'head'>, code: string): boolean =>
  Object.hasOwn(currencies, code) ||
  head.subAccounts.keys().some((key) => (JSON.parse(key) as readonly unknown[])[1] === code);
