import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { batch } from './batch.ts';
import { createGrant } from './create-grant.ts';

export const batchCreateGrants = batch(CreditService.method.batchCreateGrants, createGrant);
