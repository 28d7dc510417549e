import { sumAmounts, type Amount } from '../amount.ts';
import { spanClass } from '../db/span.ts';
import { checkAdvances } from './check-advances.ts';
import { checkSplits } from './check-splits.ts';
import { amountOf, givenBackAt, takenAt, type ChargeFacts } from './charge-facts.ts';
import { differences, type Finding } from './finding.ts';

/**
 * A charge's row, its advances and its splits, each against its entries. `hashedSince`: from this version on nothing was
 * written in the first format, which kept no sequences.
 */
export const checkCharge = (facts: ChargeFacts, version: number, hashedSince: number): Finding[] => [
  ...checkRow(facts, version, hashedSince),
  ...checkAdvances(facts, version),
  ...checkSplits(facts, version),
];

function checkRow(facts: ChargeFacts, version: number, hashedSince: number): Finding[] {
  const { charge, closedVersion, events } = facts;
  const last = events.at(-1);
  const closing = charge.status === 'OPEN' ? null : (last?.version ?? charge.version);
  const reported = reportedBy(facts, closing);
  const { dealtWith, owed } = byEntries(facts);
  // Its entries tell all of it but what was handed back for invoicing.
  const collected = charge.mode === 'CREDIT_THEN_INVOICE' ? reported : dealtWith;
  const expected = {
    ...{ amount: last?.amount ?? charge.amount, collected, reported: collected },
    ...{ invoiced: collected - dealtWith, advanced: owed + coveredOf(facts) },
    sequence: (last ?? charge).version >= hashedSince ? (last?.sequence ?? null) : charge.sequence,
    collections: last === undefined ? 1 : events.filter((event) => event.collected > 0n).length,
    closed_version: closing,
    // A write that is missing is told as that.
    closed_at: closing === null ? null : (facts.closingRecordedAt ?? charge.closedAt),
    span_class: closing === null ? null : spanClass(charge.version, closing),
  };
  const actual = {
    ...{ amount: charge.amount, collected: charge.collected, reported },
    ...{ invoiced: charge.invoiced, advanced: charge.advanced, collections: charge.collections },
    sequence: charge.sequence,
    ...{ closed_version: closedVersion, closed_at: charge.closedAt, span_class: facts.spanClass },
  };
  const about = { kind: 'PROJECTION', chargeId: charge.id, version } as const;
  return differences(about, `charge ${charge.id}`, expected, actual);
}

/**
 * What was collected, by the charge's own events: they tell it while it is open, and corrections after its closing took
 * off it; one that never was open collected its amount at once.
 */
function reportedBy({ charge, events, entries }: ChargeFacts, closing: number | null): Amount {
  const wasOpen = events.length > 0;
  const corrections = entries.filter((entry) => entry.kind === 'CORRECT' && entry.account !== 'EARNINGS');
  if (!wasOpen) return charge.amount - amountOf(corrections);
  const collected = sumAmounts(events.map((event) => event.collected));
  if (closing === null) return collected;
  return collected - amountOf(corrections.filter((entry) => entry.version > closing));
}

/** What credit and advances dealt with, less corrections, and what of it nothing has covered. */
function byEntries({ entries }: ChargeFacts): { readonly dealtWith: Amount; readonly owed: Amount } {
  const on = (account: (typeof entries)[number]['account']) =>
    -amountOf(entries.filter((entry) => entry.account === account));
  const owed = on('CUSTOMER_RECEIVABLE');
  return { dealtWith: on('CUSTOMER_FBO') + owed, owed };
}

/** What had gone beyond credit and was covered since, less what corrections gave back of it. */
const coveredOf = (facts: ChargeFacts): Amount =>
  sumAmounts(
    facts.allocations
      .filter(({ kind }) => kind === 'COVER')
      .map(({ ref }) => takenAt(facts, ref) - givenBackAt(facts, ref)),
  );
