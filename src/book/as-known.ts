import type { Grant } from '../credit/grant.ts';
import { awaitAll, type Connection } from '../db/database.ts';
import { grantTotals, type GrantTotals } from '../ledger/grant-totals.ts';
import { formerTimesOf, formerTermsOf, withTermsAt, type FormerTerms } from '../tables/former-terms.ts';
import type { StoredGrant } from '../tables/grants.ts';
import type { BookView, WrittenView } from './view.ts';

type TotalsById = ReadonlyMap<string, GrantTotals>;
type TermsById = ReadonlyMap<string, readonly FormerTerms[]>;

/** Grants as they stood at a point, by what was known at the version. */
export async function grantsAsKnown(
  connection: Connection,
  view: WrittenView,
  stored: readonly StoredGrant[],
): Promise<readonly Grant[]> {
  const ids = stored.map(({ grant }) => grant.id);
  const [totals, terms] = await awaitAll([
    grantTotals(connection, view, ids),
    formerTermsOf(connection, view, ids),
  ]);
  return stored.map((own) => grantAsKnown(own, view, totals, terms));
}

/** A grant as it stood at a version's clock, by what was known at that version. */
function grantAsKnown(
  { grant: stored, bookedVersion, voidedVersion }: StoredGrant,
  { version, clock }: Pick<BookView, 'version' | 'clock'>,
  totals: TotalsById,
  terms: TermsById,
): Grant {
  const grant = agreedAsKnown(stored, version, terms);
  const booked = bookedVersion !== null && bookedVersion <= version;
  const voided = voidedVersion !== null && voidedVersion <= version;
  const known: Grant = {
    ...grant,
    bookedAt: booked ? grant.bookedAt : null,
    voidedAt: voided ? grant.voidedAt : null,
    voidReason: voided ? grant.voidReason : null,
    remaining: 0n,
    consumed: 0n,
    expired: 0n,
    voided: 0n,
    moves: [],
  };
  if (!booked) {
    if (voided) return { ...known, phase: 'CALLED_OFF', voided: grant.amount };
    return grant.expiresAt <= clock
      ? { ...known, phase: 'LAPSED', expired: grant.amount }
      : { ...known, phase: 'SCHEDULED' };
  }
  const { remaining, forfeited } = totalsOf(totals, grant.id);
  return {
    ...known,
    phase: !voided && forfeited > 0n ? 'EXPIRED' : 'CREDIT',
    remaining,
    consumed: grant.amount - remaining - forfeited,
    expired: voided ? 0n : forfeited,
    voided: voided ? forfeited : 0n,
  };
}

/** The grant as stored, with the times and payment that were known at a version: what was agreed, not where it stands. */
export function agreedAsKnown(stored: Grant, version: number, terms: TermsById): Grant {
  const former = terms.get(stored.id);
  return {
    ...withTermsAt(stored, version, former),
    formerTimes: formerTimesOf(former?.filter(({ untilVersion }) => untilVersion <= version)),
  };
}

export const totalsOf = (totals: TotalsById, grantId: string): GrantTotals => {
  const found = totals.get(grantId);
  if (found === undefined) throw new Error(`invariant: the journal was not asked about ${grantId}`);
  return found;
};
