import { idOf } from '../id.ts';

/** Something that must not be, told so that somebody can act on it: where it shows, what should be there, what is. */
export type FindingOf<Kind extends string> = {
  readonly kind: Kind;
  /** What it is about, where it is about one. */
  readonly grantId?: string;
  readonly chargeId?: string;
  readonly transactionId?: string;
  readonly entryId?: string;
  /** The version of the book at which it shows. */
  readonly version: number;
  readonly expected: string;
  readonly actual: string;
  /** One sentence for people. */
  readonly message: string;
};

/** What the journal alone can show to be wrong. */
export type JournalFinding = FindingOf<
  | 'UNBALANCED_TRANSACTION'
  | 'RUNNING_TOTAL'
  | 'HASH_CHAIN'
  | 'VERSION_GAP'
  | 'FUTURE_ENTRY'
  | 'DANGLING_ROW'
  | 'ENTRY_COPY'
  | 'RECORDED_AT'
>;

/** The ids of a finding about an entry: itself, its transaction, and what it is about. */
export const idsOf = (
  entry: { readonly position: number; readonly grantId: string | null; readonly chargeId: string | null },
  transaction: { readonly uuid: string } | undefined,
): Pick<JournalFinding, 'grantId' | 'chargeId' | 'transactionId' | 'entryId'> => ({
  ...(entry.grantId !== null && { grantId: entry.grantId }),
  ...(entry.chargeId !== null && { chargeId: entry.chargeId }),
  ...(transaction !== undefined && {
    transactionId: idOf('txn', transaction.uuid),
    entryId: `${idOf('ent', transaction.uuid)}_${entry.position}`,
  }),
});
