/** What makes a balance change, in the words of `credit.v1.ChangeCause`. */

/** What time alone does. */
export type TimeCause = 'GRANT_EFFECTIVE' | 'GRANT_EXPIRED' | 'CHARGE_STARTED' | 'HOLD_EXPIRED';

export type CauseKind =
  | TimeCause
  | 'GRANT_CREATED'
  | 'GRANT_VOIDED'
  | 'GRANT_RESCHEDULED'
  | 'GRANT_SETTLEMENT_UPDATED'
  | 'CHARGE_CREATED'
  | 'CHARGE_UPDATED'
  | 'CHARGE_COLLECTED'
  | 'CHARGE_CORRECTED'
  | 'CHARGE_CANCELED'
  | 'ADJUSTED';

export type Cause = {
  readonly kind: CauseKind;
  readonly grantId: string | null;
  readonly chargeId: string | null;
};
