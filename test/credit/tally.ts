import type { BookState } from '../../src/credit/book-state.ts';
import type { Command } from '../../src/credit/command.ts';
import type { Decision } from '../../src/credit/decide.ts';
import type { Instant } from '../../src/instant.ts';
import type { PostingKind } from '../../src/ledger/posting.ts';
import type { ErrorReasonName, Refusal } from '../../src/refusal.ts';

/** One accepted command and what it led to. */
export type Accepted = {
  readonly command: Command;
  readonly decision: Decision;
  readonly before: BookState;
  readonly now: Instant;
};

const booked = ({ decision }: Accepted, ...kinds: readonly PostingKind[]) =>
  decision.postings.filter(({ kind }) => kinds.includes(kind));

const covers = ({ decision }: Accepted) => decision.allocations.filter(({ kind }) => kind === 'COVER');

const toldLate = ({ command, decision, now }: Accepted): boolean =>
  command.kind === 'createGrant' && (decision.state.grants.get(command.grantId)!.bookedAt ?? now) < now;

const bookedLate = ({ command, now }: Accepted): boolean =>
  command.kind === 'consume' && (command.bookedAt ?? now) < now;

/** Two postings of these kinds at one and the same instant. */
function meet(accepted: Accepted, one: PostingKind, other: PostingKind): boolean {
  const others = booked(accepted, other);
  return booked(accepted, one).some((a) => others.some((b) => a !== b && a.bookedAt === b.bookedAt));
}

/** What the laws are about: cases a history may contain. */
const CASES = {
  'a consumption booked late': bookedLate,
  'a consumption booked late, from a grant others have taken from since': (seen) =>
    bookedLate(seen) &&
    seen.decision.allocations.some(({ grantId, at }) =>
      seen.before.grants
        .get(grantId)
        ?.moves.some((move) => move.at > at && seen.before.grants.get(grantId)!.consumed > 0n),
    ),
  'an expiry undone for a source': (seen) =>
    booked(seen, 'EXPIRE_UNDONE').length > 0 &&
    seen.decision.allocations.some(({ kind }) => kind === 'SOURCE'),
  'an expiry undone for a covering': (seen) =>
    covers(seen).some(
      ({ grantId, chargeId }) =>
        seen.command.kind === 'consume' &&
        seen.command.chargeId === chargeId &&
        seen.before.grants.get(grantId)?.phase === 'EXPIRED',
    ),
  'an advance': (seen) =>
    [...seen.decision.state.advances.keys()].some((key) => !seen.before.advances.has(key)),
  'an advance recorded late and covered at once': (seen) => bookedLate(seen) && covers(seen).length > 0,
  'a grant told late': toldLate,
  'a grant told late that had come and gone': (seen) => toldLate(seen) && booked(seen, 'EXPIRE').length > 0,
  'a grant told late that covers an advance': (seen) => toldLate(seen) && covers(seen).length > 0,
  'a scheduled grant that covers an advance': (seen) =>
    covers(seen).some(({ grantId }) => seen.before.grants.get(grantId)?.phase === 'SCHEDULED'),
  'an advance covered by two grants at one instant': (seen) =>
    covers(seen).some((a, i, all) => all.some((b, j) => i < j && a.chargeId === b.chargeId && a.at === b.at)),
  'a grant that covers two advances': (seen) =>
    covers(seen).some((a, i, all) =>
      all.some((b, j) => i < j && a.grantId === b.grantId && a.chargeId !== b.chargeId),
    ),
  'a consumption from several grants': (seen) =>
    seen.decision.allocations.filter(({ kind }) => kind === 'SOURCE').length > 1,
  'two activations at one instant': (seen) => meet(seen, 'ISSUE', 'ISSUE'),
  'an expiry and an activation at one instant': (seen) => meet(seen, 'ISSUE', 'EXPIRE'),
  'two writes at one instant': ({ before, now }) => before.version > 0 && before.clock === now,
  'a pending grant called off': ({ command, decision }) =>
    command.kind === 'voidGrant' &&
    decision.state.grants.get(command.grantId)!.phase === 'CALLED_OFF' &&
    decision.changed,
  'an active grant voided': (seen) => booked(seen, 'VOID').length > 0,
  'a void repeated': ({ decision }) => !decision.changed,
  'a grant that lapses while it waits for its funding': ({ decision, before }) =>
    [...decision.state.grants.values()].some(
      ({ id, phase }) => phase === 'LAPSED' && before.grants.get(id)?.phase !== 'LAPSED',
    ),
  'a remainder handed back for invoicing': ({ decision }) =>
    'collection' in decision.answer && decision.answer.collection.invoiced > 0n,
} satisfies Readonly<Record<string, (seen: Accepted) => boolean>>;

type Case = keyof typeof CASES | ErrorReasonName;

/** Counts what histories really contained, so that no law is proven by histories in which it is idle. */
export class Tally {
  operations = 0;
  readonly counts = new Map<Case, number>(Object.keys(CASES).map((name) => [name as Case, 0]));

  accepted(seen: Accepted): void {
    this.operations += 1;
    for (const [name, happened] of Object.entries(CASES)) if (happened(seen)) this.#count(name as Case);
  }

  refused({ reason }: Refusal): void {
    this.operations += 1;
    this.#count(reason);
  }

  #count(name: Case): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
