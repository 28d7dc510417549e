import type { Deed } from '../book/deeds.ts';
import type { TimeCause } from '../credit/passing.ts';

/** What makes a balance change, in the words of `credit.v1.ChangeCause`: time alone, or a write. */
export type Cause =
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

const BY_METHOD: Readonly<Record<string, Cause>> = {
  CreateGrant: 'GRANT_CREATED',
  VoidGrant: 'GRANT_VOIDED',
  RescheduleGrant: 'GRANT_RESCHEDULED',
  UpdateGrantSettlement: 'GRANT_SETTLEMENT_UPDATED',
  CreateCharge: 'CHARGE_CREATED',
  UpdateCharge: 'CHARGE_UPDATED',
  CollectCharge: 'CHARGE_COLLECTED',
  ConsumeCredits: 'CHARGE_COLLECTED',
  CorrectCharge: 'CHARGE_CORRECTED',
  CancelCharge: 'CHARGE_CANCELED',
  CreateAdjustment: 'ADJUSTED',
};

/** What a write is the cause of; null for one that moves no figure, such as the booking of what time had changed. */
export const causeOf = ({ method, voids }: Deed): Cause | null =>
  voids ? 'GRANT_VOIDED' : (BY_METHOD[method] ?? null);
