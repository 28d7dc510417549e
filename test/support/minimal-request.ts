import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { ChargeType, SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { SettlementStatus } from '#gen/credit/v1/funding_pb.ts';
import { AccountType } from '#gen/ledger/v1/account_pb.ts';
import { isRefusal } from '../../src/refusal.ts';
import type { Validate } from '../../src/rpc/call/validation.ts';
import { day } from './builders.ts';

/** What a field is filled with where an RPC wants it; a new one of another name wants a line here. */
const PLAIN: Readonly<Record<string, unknown>> = {
  customer_id: 'ada',
  customer_ids: ['ada'],
  currency: 'USD',
  amount: '1',
  name: 'a name',
  code: 'POINTS',
  reason: 'a reason',
  grant_id: 'grt_none',
  charge_id: 'chg_none',
  account_id: 'acc_none',
  transaction_id: 'txn_none',
  status: SettlementStatus.SETTLED,
  type: ChargeType.USAGE_BASED,
  settlement_mode: SettlementMode.CREDIT_ONLY,
  from: timestampFromMs(day(1)),
  to: timestampFromMs(day(2)),
  effective_at: timestampFromMs(day(1)),
  account_type: AccountType.CUSTOMER_FBO,
  entries: [
    { accountType: AccountType.WASH, currency: 'USD', amount: '-1' },
    { accountType: AccountType.BROKERAGE, currency: 'USD', amount: '1' },
  ],
};

/**
 * The least that a message takes to be valid in a namespace, found by what its rules find missing; of a batch one item,
 * which names the namespace itself.
 */
export function minimalRequest(schema: DescMessage, namespace: string, validate: Validate): Message {
  const filled: Record<string, unknown> = { namespace };
  for (;;) {
    const request = create(schema, filled);
    const missing = violationsOf(() => validate(schema, request));
    if (missing.length === 0) return request;
    for (const path of missing) {
      const field = schema.fields.find(({ name }) => name === path);
      if (field === undefined || field.localName in filled)
        throw new Error(`${schema.typeName} is not valid with ${Object.keys(filled).join()}: ${path}`);
      if (field.name === 'requests')
        filled[field.localName] = [minimalRequest(field.message!, namespace, validate)];
      else if (Object.hasOwn(PLAIN, path)) filled[field.localName] = PLAIN[path];
      else throw new Error(`${schema.typeName} wants ${path}: say in minimal-request.ts what it may be`);
    }
  }
}

function violationsOf(validate: () => void): readonly string[] {
  try {
    validate();
    return [];
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return (error.refusal.violations ?? []).map(({ field }) => field);
  }
}
