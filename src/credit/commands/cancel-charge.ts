import { putCharge } from '../book-state.ts';
import { chargeAnswer, itsCharge, namedCharge, noCurrency, openCharge, type CommandSpec } from '../spec.ts';

/** The charge stops weighing on live; what was collected stays. Canceled before: success, unchanged. */
export type CancelCharge = { readonly kind: 'cancelCharge'; readonly chargeId: string };

export const cancelCharge = {
  method: 'CancelCharge',
  cause: 'CHARGE_CANCELED',
  needs: itsCharge,
  brings: noCurrency,
  decide(work, { chargeId }, now) {
    const known = namedCharge(work, chargeId);
    if (known.status === 'CANCELED') return chargeAnswer(known);
    return chargeAnswer(
      putCharge(work, { ...openCharge(work, chargeId), status: 'CANCELED', closedAt: now }),
    );
  },
} satisfies CommandSpec<CancelCharge>;
