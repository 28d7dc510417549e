import { formatAmount, type Amount } from '../amount.ts';
import { grantAsKnown } from '../book/as-known.ts';
import type { WrittenGrant } from './stored-grants.ts';
import { spanClass } from '../db/span.ts';
import { earlier, type Instant } from '../instant.ts';
import type { Held } from './held.ts';
import { isOpen, pendingAmount, type Grant } from '../credit/grant.ts';
import { differences, type Columns, type Finding } from './finding.ts';

/** The book as its row tells it: how far everything else should have come. */
export type Standing = { readonly version: number; readonly clock: Instant };

/**
 * A grant's row against the entries of its credit (null: it has none): its parts add up to its amount, and it stands
 * where the entries, its terms and the book's clock put it. A grant has at most one finding of each kind.
 */
export function checkGrant(written: WrittenGrant, held: Held | null, book: Standing): Finding[] {
  const { grant } = written;
  const { version } = book;
  const known = standing(written, held, book);
  const identity = checkIdentity(grant, held, known, version);
  const closedVersion = closing(written, held, known);
  const expected: Columns = {
    phase: known.phase,
    // Parts that do not add up are told as that.
    ...(identity.length === 0 && parts(known)),
    ...{ booked_at: known.bookedAt, booked_version: held?.bookedVersion ?? null },
    ...{ voided_at: known.voidedAt, voided_version: voiding(written, held).version },
    ...{ released: String(held?.released ?? false), recognized: held?.recognized ?? 0n },
    closed_version: closedVersion,
    span_class: closedVersion === null ? null : spanClass(written.version, closedVersion),
  };
  const actual: Columns = {
    ...{ phase: grant.phase, ...parts(grant) },
    ...{ booked_at: grant.bookedAt, booked_version: written.bookedVersion },
    ...{ voided_at: grant.voidedAt, voided_version: written.voidedVersion },
    ...{ released: String(grant.released), recognized: grant.recognized },
    ...{ closed_version: written.closedVersion, span_class: written.spanClass },
  };
  const about = { kind: 'PROJECTION', grantId: grant.id, version } as const;
  return [...identity, ...differences(about, `grant ${grant.id}`, expected, actual)];
}

const parts = ({ remaining, consumed, expired, voided }: Grant) => ({
  remaining,
  consumed,
  expired,
  voided,
});

/** Where the grant stands by its entries; where it never was credit, by its void, its expiry and the clock. */
function standing(written: WrittenGrant, held: Held | null, book: Standing): Grant {
  const { grant, former } = written;
  const { at: voidedAt, version: voidedVersion } = voiding(written, held);
  const known = grantAsKnown(
    {
      ...written,
      grant: { ...grant, bookedAt: held?.bookedAt ?? null, voidedAt },
      bookedVersion: held?.bookedVersion ?? null,
      voidedVersion,
    },
    book,
    new Map(held === null ? [] : [[grant.id, held]]),
    new Map([[grant.id, former]]),
  );
  // Expired, though all that had expired was used after all by what was told late.
  return held?.expired === true ? { ...known, phase: 'EXPIRED' } : known;
}

/** A void of credit is in the journal; of a promise only in the grant's row. */
function voiding(
  { grant, voidedVersion }: WrittenGrant,
  held: Held | null,
): { readonly at: Instant | null; readonly version: number | null } {
  return held === null
    ? { at: grant.voidedAt, version: grant.voidedAt === null ? null : voidedVersion }
    : { at: held.voidedAt, version: held.voidedVersion };
}

/** From which version on nothing of it could change by itself or be drawn on any more. */
function closing(written: WrittenGrant, held: Held | null, known: Grant): number | null {
  if (isOpen(known)) return null;
  if (held === null) return known.phase === 'CALLED_OFF' ? written.voidedVersion : written.expiryVersion;
  if (held.exhaustedVersion !== null) return held.exhaustedVersion;
  // No version ever left anything of it: it came and was gone under one, or had lapsed before it was paid.
  return earlier(held.bookedVersion!, written.expiryVersion ?? held.bookedVersion!);
}

/** amount = pending + remaining + consumed + expired + voided, and what was issued is the amount (domain.md §3). */
function checkIdentity(grant: Grant, held: Held | null, known: Grant, version: number): Finding[] {
  const sum = sumOf(grant);
  const issued = held?.issued ?? grant.amount;
  if (sum === grant.amount && issued === grant.amount) return [];
  const entries = `its entries give ${told(known)}`;
  const message =
    sum === grant.amount
      ? `grant ${grant.id} is of ${formatAmount(grant.amount)}, but ${formatAmount(issued)} was issued`
      : `the parts of grant ${grant.id} add up to ${formatAmount(sum)}, not to its amount ${formatAmount(grant.amount)}: it says ${told(grant)}; ${entries}`;
  const actual = formatAmount(sum === grant.amount ? issued : sum);
  return [
    {
      kind: 'GRANT_IDENTITY',
      grantId: grant.id,
      version,
      expected: formatAmount(grant.amount),
      actual,
      message,
    },
  ];
}

const sumOf = (grant: Grant): Amount =>
  pendingAmount(grant) + grant.remaining + grant.consumed + grant.expired + grant.voided;

const told = (grant: Grant): string =>
  Object.entries({ pending: pendingAmount(grant), ...parts(grant) })
    .map(([part, amount]) => `${part} ${formatAmount(amount)}`)
    .join(', ');
