import type { BookState } from '../../src/credit/book-state.ts';
import { advanceKey, outstanding, weighsAt, type Allocation } from '../../src/credit/charge.ts';
import type { Command } from '../../src/credit/command.ts';
import type { CorrectCharge } from '../../src/credit/commands/correct-charge.ts';
import type { UpdateSettlement } from '../../src/credit/commands/update-settlement.ts';
import type { Decision } from '../../src/credit/decide.ts';
import { later, type Instant } from '../../src/instant.ts';
import type { PostingKind } from '../../src/ledger/posting.ts';
import type { Refusal } from '../../src/refusal.ts';

/** One accepted command and what it led to. */
export type Accepted = {
  readonly command: Command;
  readonly decision: Decision;
  readonly before: BookState;
  readonly now: Instant;
};

const booked = ({ decision }: Accepted, ...kinds: readonly PostingKind[]) =>
  decision.postings.filter(({ kind }) => kinds.includes(kind));

/** What the write took of grants, for charges and for advances. */
const slices = (
  { decision, before }: Accepted,
  ...kinds: readonly Allocation['kind'][]
): readonly Allocation[] =>
  [...decision.state.allocations.values()].filter(
    ({ ref, kind }) => ref.version > before.version && kinds.includes(kind),
  );

/** What came back by the write. */
const returns = ({ decision, before }: Accepted, kind: Allocation['kind']): readonly Allocation[] =>
  [...decision.state.allocations].flatMap(([key, slice]) =>
    slice.kind === kind && slice.returned > (before.allocations.get(key)?.returned ?? 0n) ? [slice] : [],
  );

const covers = (seen: Accepted): readonly Allocation[] => slices(seen, 'COVER');

const toldLate = ({ command, decision, now }: Accepted): boolean =>
  command.kind === 'createGrant' && (decision.state.grants.get(command.grantId)!.bookedAt ?? now) < now;

const bookedLate = ({ command, now }: Accepted): boolean =>
  (command.kind === 'consume' || command.kind === 'collectCharge') && (command.bookedAt ?? now) < now;

/** The coverings of an advance by credit that was free only from a later instant on. */
const freedLater = (seen: Accepted): readonly Allocation[] =>
  bookedLate(seen)
    ? covers(seen).filter(({ grantId, chargeId, collection, at }) => {
        const { advances, grants } = seen.decision.state;
        const advance = advances.get(advanceKey({ chargeId, collection }));
        return (
          advance?.entry.version === seen.decision.state.version &&
          at > later(advance.at, grants.get(grantId)!.bookedAt!)
        );
      })
    : [];

/** Two postings of these kinds at one and the same instant. */
function meet(accepted: Accepted, one: PostingKind, other: PostingKind): boolean {
  const others = booked(accepted, other);
  return booked(accepted, one).some((a) => others.some((b) => a !== b && a.bookedAt === b.bookedAt));
}

/** What the laws are about: cases a history may contain. */
const GRANTS_AND_SPENDING: Cases = {
  'a consumption booked late': bookedLate,
  'a consumption booked late, from a grant others have taken from since': (seen) =>
    bookedLate(seen) &&
    slices(seen, 'SOURCE').some(({ grantId, at }) =>
      seen.before.grants
        .get(grantId)
        ?.moves.some((move) => move.at > at && seen.before.grants.get(grantId)!.consumed > 0n),
    ),
  'an expiry undone for a source': (seen) =>
    booked(seen, 'EXPIRE_UNDONE').length > 0 && slices(seen, 'SOURCE').length > 0,
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
  'a consumption from several grants': (seen) => slices(seen, 'SOURCE').length > 1,
  'two activations at one instant': (seen) => meet(seen, 'ISSUE', 'ISSUE'),
  'an expiry and an activation at one instant': (seen) => meet(seen, 'ISSUE', 'EXPIRE'),
  'two writes at one instant': ({ before, now }) => before.version > 0 && before.clock === now,
  'a pending grant called off': ({ command, decision }) =>
    command.kind === 'voidGrant' &&
    decision.state.grants.get(command.grantId)!.phase === 'CALLED_OFF' &&
    decision.changed,
  'an active grant voided': (seen) => booked(seen, 'VOID').length > 0,
  'a success that changes nothing': ({ decision }) => !decision.changed,
  'a grant that lapses while it waits for its funding': ({ decision, before }) =>
    [...decision.state.grants.values()].some(
      ({ id, phase }) => phase === 'LAPSED' && before.grants.get(id)?.phase !== 'LAPSED',
    ),
  'a remainder handed back for invoicing': ({ decision }) =>
    'collection' in decision.answer && decision.answer.collection.invoiced > 0n,
};

/** And what only the other commands bring about. */
const EVERYTHING: Cases = {
  'an advance that is covered only from when credit came back': (seen) => freedLater(seen).length > 0,
  'an uncovered advance that is corrected': ({ decision }) => decision.reductions.length > 0,
  'a covering that is given back': (seen) => returns(seen, 'COVER').length > 0,
  'a source that is given back': (seen) => returns(seen, 'SOURCE').length > 0,
  'a correction that reaches two collections': (seen) =>
    new Set(
      ['SOURCE', 'COVER']
        .flatMap((kind) => returns(seen, kind as Allocation['kind']))
        .map((s) => s.collection),
    ).size > 1,
  'credit given back that covers another advance': (seen) =>
    seen.command.kind === 'correctCharge' &&
    slices(seen, 'COVER').some(
      ({ chargeId, at }) => at === seen.now && chargeId !== (seen.command as CorrectCharge).chargeId,
    ),
  'credit given back to an expired grant': (seen) =>
    seen.command.kind === 'correctCharge' &&
    booked(seen, 'EXPIRE').some(({ bookedAt }) => bookedAt === seen.now),
  'credit given back to a voided grant': (seen) =>
    seen.command.kind === 'correctCharge' && booked(seen, 'VOID').length > 0,
  'a pending grant rescheduled': ({ command, decision }) =>
    command.kind === 'rescheduleGrant' &&
    decision.changed &&
    decision.state.grants.get(command.grantId)!.phase === 'SCHEDULED',
  'a pending grant rescheduled to now': (seen) =>
    seen.command.kind === 'rescheduleGrant' &&
    booked(seen, 'ISSUE').some(({ bookedAt }) => bookedAt === seen.now),
  'an active grant rescheduled': ({ command, before, decision }) =>
    command.kind === 'rescheduleGrant' &&
    decision.changed &&
    before.grants.get(command.grantId)?.phase === 'CREDIT',
  'a payment told late that makes a grant credit in the past': (seen) =>
    seen.command.kind === 'updateSettlement' &&
    booked(seen, 'ISSUE').some(
      ({ bookedAt, legs }) =>
        bookedAt < seen.now && legs[0]!.grantId === (seen.command as UpdateSettlement).grantId,
    ),
  'a lapsed grant that had been paid in time': ({ command, before, decision }) =>
    command.kind === 'updateSettlement' &&
    before.grants.get(command.grantId)?.phase === 'LAPSED' &&
    decision.state.grants.get(command.grantId)!.phase !== 'LAPSED',
  'a promise whose payment failed': ({ command, decision }) =>
    command.kind === 'updateSettlement' &&
    command.status === 'FAILED' &&
    decision.state.grants.get(command.grantId)!.phase === 'CALLED_OFF',
  'a charge that weighs on live': ({ decision: { state } }) =>
    [...state.charges.values()].some((charge) => weighsAt(charge, state.clock) && outstanding(charge) > 0n),
  'a charge whose hold has expired': ({ decision: { state } }) =>
    [...state.charges.values()].some(
      (charge) => charge.status === 'OPEN' && charge.holdExpiresAt <= state.clock,
    ),
  'a usage report that is ignored': ({ command, decision }) =>
    command.kind === 'updateCharge' && !decision.changed,
  'a second collection of one charge': ({ decision: { answer } }) =>
    'collection' in answer && answer.charge.collections > 1,
  'revenue recognized of some of a slice': ({ decision: { state } }) =>
    [...state.allocations.values()].some(
      ({ amount, returned, recognized }) => recognized > 0n && recognized + returned < amount,
    ),
  'revenue recognized of a covering': ({ command, decision: { state } }) =>
    command.kind === 'recognizeRevenue' &&
    [...state.allocations.values()].some(({ kind, recognized }) => kind === 'COVER' && recognized > 0n),
  'revenue taken back by a correction': ({ decision: { state }, before }) =>
    [...before.allocations].some(([key, slice]) => state.allocations.get(key)!.recognized < slice.recognized),
  'a posting by hand': ({ command }) => command.kind === 'postManually',
  'an adjustment down': ({ command }) => command.kind === 'adjustDown',
};

type Cases = Readonly<Record<string, (seen: Accepted) => boolean>>;

/** Counts what histories really contained, so that no law is proven by histories in which it is idle. */
export type Tally = {
  readonly operations: number;
  readonly counts: ReadonlyMap<string, number>;
  accepted(seen: Accepted): void;
  refused(refusal: Refusal): void;
};

export const tallyOfSpending = (): Tally => tallyOf(GRANTS_AND_SPENDING);
export const tallyOfEverything = (): Tally => tallyOf({ ...GRANTS_AND_SPENDING, ...EVERYTHING });

function tallyOf(cases: Cases): Tally {
  const counts = new Map(Object.keys(cases).map((name) => [name, 0]));
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const tally = {
    operations: 0,
    counts,
    accepted(seen: Accepted): void {
      tally.operations += 1;
      for (const [name, happened] of Object.entries(cases)) if (happened(seen)) count(name);
    },
    refused({ reason }: Refusal): void {
      tally.operations += 1;
      count(reason);
    },
  };
  return tally;
}
