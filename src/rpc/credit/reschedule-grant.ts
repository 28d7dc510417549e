import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { RescheduleGrantRequest } from '#gen/credit/v1/grant_change_pb.ts';
import type { RescheduleGrant } from '../../credit/commands/reschedule-grant.ts';
import { NEVER, type Instant } from '../../instant.ts';
import { idOfKind } from '../decode.ts';
import { instantOf } from '../wire.ts';
import { write } from '../write.ts';
import { grantAnswer } from './answer.ts';

export const rescheduleGrant = write(
  CreditService.method.rescheduleGrant,
  ({ grantId, effectiveAt, expiry }): RescheduleGrant => ({
    kind: 'rescheduleGrant',
    grantId: idOfKind('grt', grantId),
    effectiveAt: instantOf(effectiveAt),
    expiresAt: expiryOf(expiry),
  }),
  grantAnswer,
);

function expiryOf({ case: given, value }: RescheduleGrantRequest['expiry']): Instant | null {
  if (given === undefined) return null;
  return given === 'expiresAt' ? instantOf(value) : NEVER;
}
