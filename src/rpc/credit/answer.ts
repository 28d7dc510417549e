import type { Actor } from '../../actor.ts';
import type { Decided } from '../../write/submission.ts';
import { balanceOf } from '../../credit/balance.ts';
import type { Charge, Collection } from '../../credit/charge.ts';
import { viewNow } from '../../credit/grant-view.ts';
import type { Grant } from '../../credit/grant.ts';
import type { Instant } from '../../instant.ts';
import { ALL } from '../../scope.ts';
import { timestampOf } from '../wire.ts';
import { encodeBalance, encodeCharge, encodeCollection, encodeGrant } from './encode.ts';

/** A decided write that concerned a currency, and whatever else its answer tells. */
type Written<Told> = Pick<Decided<never>, 'state' | 'version' | 'recordedAt' | 'makerOf'> & {
  readonly answer: { readonly currency: string } & Told;
};
type AboutGrant = Written<{ readonly grant: Grant }>;
type AboutCharge = Written<{ readonly charge: Charge }>;
type AboutCollection = Written<{
  readonly charge: Charge;
  readonly collection: Collection;
  readonly bookedAt: Instant;
}>;
type Customer = { readonly customerId: string };

/** What the answer to every write about credit carries: the balance of its currency, at the write's own instant. */
export const writeFacts = ({ answer, state, version, recordedAt }: Written<unknown>) => ({
  balance: encodeBalance(balanceOf(state, answer.currency, ALL)),
  version: BigInt(version),
  recordedAt: timestampOf(recordedAt),
});

/** The answer to a write about a grant. */
export const grantAnswer = (decided: AboutGrant, { customerId }: Customer) => ({
  ...writeFacts(decided),
  grant: encodeGrant(
    customerId,
    viewNow(decided.answer.grant, decided.state.clock),
    decided.makerOf(decided.answer.grant.id),
  ),
});

/** The answer to a write about a charge. */
export const chargeAnswer = (
  decided: AboutCharge,
  { customerId }: Customer,
  maker = decided.makerOf(decided.answer.charge.id),
) => ({
  ...writeFacts(decided),
  charge: encodeCharge(customerId, decided.answer.charge, maker),
});

/** The answer to a write that collects a charge. */
export const collectionAnswer = (decided: AboutCollection, customer: Customer, maker?: Actor | null) => ({
  ...chargeAnswer(decided, customer, maker),
  collection: encodeCollection(decided.answer.collection, decided.answer.bookedAt),
});
