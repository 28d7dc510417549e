import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { batch } from './batch.ts';
import { consumeCredits } from './consume-credits.ts';

export const batchConsumeCredits = batch(CreditService.method.batchConsumeCredits, consumeCredits);
