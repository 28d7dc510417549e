import { sumAmounts } from '../amount.ts';
import type { WrittenAdvance, WrittenReduction } from './stored-charges.ts';
import { spanClass } from '../db/span.ts';
import type { ChargedEntry } from './charged.ts';
import { allocationKey, type Charge } from '../credit/charge.ts';
import { amountOf, collectionAt, givenBackAt, takenAt, type ChargeFacts } from './charge-facts.ts';
import { differences, type Finding } from './finding.ts';

/** A charge's advances against the entries that booked, covered and reduced them. */
export function checkAdvances(facts: ChargeFacts, version: number): Finding[] {
  const { advances, entries, charge } = facts;
  const known = new Set(advances.map(({ advance }) => allocationKey(advance.entry)));
  const missing = entries.filter(
    (entry) =>
      entry.account === 'CUSTOMER_RECEIVABLE' && entry.kind === 'CONSUME' && !known.has(allocationKey(entry)),
  );
  return [
    ...advances.flatMap((written) => checkAdvance(facts, written, version)),
    ...facts.reductions.flatMap((reduction) => checkReduction(facts, reduction)),
    ...missing.map((entry): Finding => {
      const message = `charge ${charge.id} has no advance for entry ${entry.position} of version ${entry.version}, which booked one`;
      const about = { chargeId: charge.id, version: entry.version };
      return { kind: 'PROJECTION', ...about, expected: 'an advance', actual: 'none', message };
    }),
  ];
}

/** `uncovered`: the advance as it was booked, less what covered it and what corrections took off it. */
function checkAdvance(facts: ChargeFacts, written: WrittenAdvance, version: number): Finding[] {
  const { advance } = written;
  const { chargeId, collection } = advance;
  const covers = facts.allocations.filter(
    (split) => split.kind === 'COVER' && split.collection === collection,
  );
  const amount = takenAt(facts, advance.entry);
  const reduced = givenBackAt(facts, advance.entry);
  const uncovered = amount - sumAmounts(covers.map(({ ref }) => takenAt(facts, ref))) - reduced;
  const closing =
    uncovered > 0n
      ? null
      : lastChange(
          facts,
          written,
          covers.map(({ ref }) => ref.version),
        );
  const { charge, entryAt } = facts;
  const expected = {
    ...{ amount, uncovered, reduced, closed_version: closing },
    ...{ collection: collectionAt(facts, advance.entry.version), ...route(charge) },
    booked_at: entryAt.get(allocationKey(advance.entry))?.bookedAt ?? null,
    span_class: closing === null ? null : spanClass(advance.entry.version, closing),
  };
  const actual = {
    ...{ amount: advance.amount, uncovered: advance.uncovered },
    ...{ collection, ...route(advance), booked_at: advance.at },
    reduced: amountOf(facts.reductions.filter((row) => row.collection === collection)),
    ...{ closed_version: written.closedVersion, span_class: written.spanClass },
  };
  const what = `the advance of collection ${collection} of charge ${chargeId}`;
  return differences({ kind: 'PROJECTION', chargeId, version }, what, expected, actual);
}

const route = ({ currency, featureKey, tax }: Pick<Charge, 'currency' | 'featureKey' | 'tax'>) => ({
  ...{ currency, feature_key: featureKey },
  ...{ tax_code: tax?.code ?? null, tax_behavior: tax?.behavior ?? null },
});

/**
 * A reduction against the entry that booked it; its amount is part of what its advance is held against. Its position counts
 * the reductions of its version, so of those of a version the first is the first entry that takes an advance back.
 */
function checkReduction(facts: ChargeFacts, reduction: WrittenReduction): Finding[] {
  const { chargeId, version, position, collection, bookedAt } = reduction;
  const number = facts.reductions.filter((own) => own.version === version && own.position < position).length;
  const entry = facts.entries
    .filter((own) => own.version === version && takesAdvanceBack(facts, own))
    .toSorted((one, other) => one.position - other.position)[number];
  const reverses = entry?.reverses ?? null;
  const reduces = (advance: WrittenAdvance['advance']) =>
    reverses !== null && allocationKey(advance.entry) === allocationKey(reverses);
  const expected = {
    // An advance that is missing is told as that.
    collection: facts.advances.find(({ advance }) => reduces(advance))?.advance.collection ?? collection,
    ...{ position: number + 1, booked_at: entry?.bookedAt ?? null },
  };
  const what = `reduction ${position} of version ${version}, of an advance of charge ${chargeId},`;
  return differences({ kind: 'PROJECTION', chargeId, version }, what, expected, {
    ...{ collection, position, booked_at: bookedAt },
  });
}

function takesAdvanceBack({ entryAt }: ChargeFacts, { account, reverses }: ChargedEntry): boolean {
  if (account !== 'CUSTOMER_RECEIVABLE' || reverses === null) return false;
  return entryAt.get(allocationKey(reverses))?.kind === 'CONSUME';
}

/** The last version that covered or reduced it. */
function lastChange(
  { entries }: ChargeFacts,
  { advance }: WrittenAdvance,
  covered: readonly number[],
): number {
  const own = allocationKey(advance.entry);
  const reduced = entries.filter(({ reverses }) => reverses !== null && allocationKey(reverses) === own);
  return Math.max(advance.entry.version, ...covered, ...reduced.map((entry) => entry.version));
}
