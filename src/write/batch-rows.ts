import type { Reduction } from '../credit/book-state.ts';
import type { Allocation } from '../credit/charge.ts';
import type { Owned } from '../db/table.ts';
import type { PromiseChange } from '../pending/scheduled-grants.ts';
import type { OwnedAdvance } from '../tables/advances.ts';
import type { SplitsKept } from '../tables/allocations.ts';
import type { ChargeEvent, StoredCharge } from '../tables/charges.ts';
import type { FormerTerms } from '../tables/former-terms.ts';
import type { OwnedGrant } from '../tables/grants.ts';
import type { Remembered, UsedKey } from '../tables/remembered.ts';

/** Rows that are new in this batch, and rows of before that it changed: each once, as it stands at the end. */
export type Rows<Row> = { readonly made: Map<string, Row>; readonly changed: Map<string, Row> };

/** What a batch comes to beside the journals of its books: the rows of all of them, by names of the caller's. */
export type BatchRows = {
  /** The successes under keys used in it. */
  readonly remembered: Map<string, Remembered>;
  /** Of these keys those that no write tells of. */
  readonly keys: Owned<UsedKey>[];
  readonly promises: PromiseChange[];
  readonly grants: Rows<OwnedGrant>;
  readonly formerTerms: Owned<FormerTerms>[];
  readonly charges: Rows<Owned<StoredCharge>>;
  readonly chargeEvents: Owned<ChargeEvent>[];
  readonly advances: Rows<OwnedAdvance>;
  readonly reductions: Owned<Reduction>[];
  /** Splits that are to have a row, whether they have one or not, and up to which version all of a book have one. */
  readonly allocations: Map<string, Owned<Allocation>>;
  readonly splitsKept: Map<string, Owned<SplitsKept>>;
};

const noRows = <Row>(): Rows<Row> => ({ made: new Map(), changed: new Map() });

export const emptyBatch = (): BatchRows => ({
  remembered: new Map(),
  keys: [],
  promises: [],
  grants: noRows(),
  formerTerms: [],
  charges: noRows(),
  chargeEvents: [],
  advances: noRows(),
  reductions: [],
  allocations: new Map(),
  splitsKept: new Map(),
});

export const rowIn = <Row>({ made, changed }: Rows<Row>, name: string): Row | undefined =>
  made.get(name) ?? changed.get(name);

/** `isNew`: it was not there before the write. */
export function putRow<Row>({ made, changed }: Rows<Row>, name: string, isNew: boolean, row: Row): void {
  (isNew || made.has(name) ? made : changed).set(name, row);
}
