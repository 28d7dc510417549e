import { sumAmounts } from '../amount.ts';
import { allocationKey, type Allocation } from '../credit/charge.ts';
import { amountOf, collectionAt, givenBackAt, takenAt, type ChargeFacts } from './charge-facts.ts';
import { differences, type Finding } from './finding.ts';

/** Each split of a charge against the entry it was booked with, and that there is one for each such entry. */
export function checkSplits(facts: ChargeFacts, version: number): Finding[] {
  const { allocations, entries, charge } = facts;
  const known = new Set(allocations.map(({ ref }) => allocationKey(ref)));
  const missing = entries.filter(
    (entry) =>
      entry.account === 'CUSTOMER_FBO' &&
      (entry.kind === 'CONSUME' || entry.kind === 'COVER') &&
      !known.has(allocationKey(entry)),
  );
  return [
    ...allocations.flatMap((split) => checkSplit(facts, split)),
    ...missing.map((entry): Finding => {
      const message = `charge ${charge.id} has no split for entry ${entry.position} of version ${entry.version}, which took credit of grant ${entry.grantId}`;
      const about = { chargeId: charge.id, ...(entry.grantId !== null && { grantId: entry.grantId }) };
      return {
        kind: 'PROJECTION',
        ...about,
        version: entry.version,
        expected: 'a split',
        actual: 'none',
        message,
      };
    }),
    ...checkRecognized(facts, version),
  ];
}

const KIND_OF: Readonly<Record<string, Allocation['kind']>> = { CONSUME: 'SOURCE', COVER: 'COVER' };

function checkSplit(facts: ChargeFacts, split: Allocation): Finding[] {
  const { ref, chargeId, grantId } = split;
  const entry = facts.entryAt.get(allocationKey(ref));
  const expected = {
    ...{ amount: takenAt(facts, ref), grant: entry?.grantId ?? null, booked_at: entry?.bookedAt ?? null },
    ...{
      returned: givenBackAt(facts, ref),
      kind: entry === undefined ? null : (KIND_OF[entry.kind] ?? null),
    },
    // A covering has that of its advance, which is held against what covers it.
    collection: split.kind === 'SOURCE' ? collectionAt(facts, ref.version) : split.collection,
  };
  const actual = {
    ...{ amount: split.amount, grant: grantId, booked_at: split.at },
    ...{ returned: split.returned, kind: split.kind, collection: split.collection },
  };
  const what = `the split of charge ${chargeId} at entry ${ref.position} of version ${ref.version}`;
  return differences({ kind: 'PROJECTION', chargeId, grantId, version: ref.version }, what, expected, actual);
}

/** Earnings name charge and grant, not the split: what was recognized is held against them by grant. */
function checkRecognized({ charge, allocations, entries }: ChargeFacts, version: number): Finding[] {
  const earnings = entries.filter(({ account }) => account === 'EARNINGS');
  const earned = Map.groupBy(earnings, ({ grantId }) => grantId ?? '');
  const splits = Map.groupBy(allocations, ({ grantId }) => grantId);
  return [...new Set([...earned.keys(), ...splits.keys()])].flatMap((grantId) => {
    const expected = { recognized: amountOf(earned.get(grantId) ?? []) };
    const actual = { recognized: sumAmounts((splits.get(grantId) ?? []).map((split) => split.recognized)) };
    const about = { kind: 'PROJECTION', chargeId: charge.id, grantId, version } as const;
    return differences(about, `charge ${charge.id} with grant ${grantId}`, expected, actual);
  });
}
