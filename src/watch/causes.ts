import type { CommittedWrite } from '../live/committed-writes.ts';
import type { CauseKind } from '../credit/timeline.ts';

const BY_METHOD: Readonly<Record<string, CauseKind>> = {
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
export const causeOf = ({ method, voids }: CommittedWrite): CauseKind | null =>
  voids ? 'GRANT_VOIDED' : (BY_METHOD[method] ?? null);
