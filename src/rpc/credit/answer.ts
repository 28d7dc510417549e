import type { Decided } from '../../write/submission.ts';
import { balanceOf } from '../../credit/balance.ts';
import type { Charge } from '../../credit/charge.ts';
import { viewNow } from '../../credit/grant-view.ts';
import type { Grant } from '../../credit/grant.ts';
import { ALL } from '../../scope.ts';
import { timestampOf } from '../wire.ts';
import { encodeBalance, encodeCharge, encodeGrant } from './encode.ts';

/** A decided write that concerned a currency, and whatever else its answer tells. */
type Written<Told> = Pick<Decided<never>, 'state' | 'version' | 'recordedAt'> & {
  readonly answer: { readonly currency: string } & Told;
};

/** What the answer to every write about credit carries: the balance of its currency, at the write's own instant. */
export const writeFacts = ({ answer, state, version, recordedAt }: Written<unknown>) => ({
  balance: encodeBalance(balanceOf(state, answer.currency, ALL)),
  version: BigInt(version),
  recordedAt: timestampOf(recordedAt),
});

/** The answer to a write about a grant. */
export const grantAnswer = (customerId: string, decided: Written<{ readonly grant: Grant }>) => ({
  ...writeFacts(decided),
  grant: encodeGrant(customerId, viewNow(decided.answer.grant, decided.state.clock)),
});

/** The answer to a write about a charge. */
export const chargeAnswer = (customerId: string, decided: Written<{ readonly charge: Charge }>) => ({
  ...writeFacts(decided),
  charge: encodeCharge(customerId, decided.answer.charge),
});
