import {
  clone,
  getOption,
  hasExtension,
  type DescField,
  type DescMessage,
  type MessageShape,
} from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { field as fieldOption } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { SettlementMode } from '#gen/credit/v1/charge_pb.ts';
import { AvailabilityPolicy, FundingMethod } from '#gen/credit/v1/funding_pb.ts';
import { PaymentAdjustment } from '#gen/credit/v1/grant_change_pb.ts';
import {
  is_amount,
  is_amount_or_zero,
  is_nonzero_amount,
  is_positive_amount,
} from '#gen/credit/v1/rules_pb.ts';
import { formatAmount, parseAmount } from '../amount.ts';
import { plainDuration } from '../credit/duration.ts';
import { DEFAULT_PRIORITY } from '../credit/grant.ts';

/**
 * What a write means when a field is left out, by message and field: a constant. What depends on when it is decided (an
 * instant that is now, an amount that is all there is) has no place here: spelled out it is another request.
 */
const DEFAULTS: Readonly<Record<string, string | number>> = {
  'credit.v1.CreateGrantRequest.priority': DEFAULT_PRIORITY,
  'credit.v1.FundingTerms.per_unit_cost_basis': '1',
  'credit.v1.FundingTerms.availability_policy': AvailabilityPolicy.ON_CREATION,
  'credit.v1.VoidGrantRequest.payment_adjustment': PaymentAdjustment.NONE,
  'credit.v1.ConsumeCreditsRequest.settlement_mode': SettlementMode.PREPAID_ONLY,
};

/** Lists in which the order says nothing. */
const SETS: ReadonlySet<string> = new Set(['feature_keys']);

/** One request of all that mean the same: defaults spelled out, amounts, instants, durations and sets in one spelling. */
export function canonicalOf<S extends DescMessage>(schema: S, request: MessageShape<S>): MessageShape<S> {
  const copy = clone(schema, request);
  spell(reflect(schema, copy));
  return copy;
}

function spell(message: ReflectMessage): void {
  for (const field of message.fields) {
    const byDefault = DEFAULTS[`${message.desc.typeName}.${field.name}`];
    if (byDefault !== undefined && !message.isSet(field)) message.set(field, byDefault);
    if (message.isSet(field)) spellField(message, field);
  }
}

function spellField(message: ReflectMessage, field: DescField): void {
  if (field.fieldKind === 'message') {
    const inner = message.get(field);
    if (isPromotional(inner)) return message.clear(field);
    if (inner.desc.typeName === TimestampSchema.typeName) cutToMillisecond(inner);
    else spell(inner);
    message.set(field, inner);
  } else if (field.fieldKind === 'scalar') {
    const value = message.get(field);
    if (typeof value !== 'string') return;
    if (isAmount(field)) message.set(field, formatAmount(parseAmount(value)));
    if (field.name === 'expires_after') message.set(field, plainDuration(value));
  } else if (field.fieldKind === 'list') {
    const list = message.get(field);
    const items = [...list];
    list.clear();
    if (SETS.has(field.name)) items.sort((a, b) => (String(a) < String(b) ? -1 : 1));
    for (const item of items) {
      if (field.listKind === 'message') spell(item as ReflectMessage);
      list.add(item);
    }
  }
}

/** Credit that nobody pays for, which is what leaving out the funding means. */
const isPromotional = ({ desc, message }: ReflectMessage): boolean =>
  desc.typeName === 'credit.v1.FundingTerms' && 'method' in message && message.method === FundingMethod.NONE;

function cutToMillisecond(timestamp: ReflectMessage): void {
  const nanos = TimestampSchema.field.nanos;
  timestamp.set(nanos, Math.floor((timestamp.get(nanos) as number) / 1_000_000) * 1_000_000);
}

const AMOUNTS = [is_amount, is_amount_or_zero, is_positive_amount, is_nonzero_amount];

function isAmount(field: DescField): boolean {
  const { type } = getOption(field, fieldOption);
  return type.case === 'string' && AMOUNTS.some((rule) => hasExtension(type.value, rule));
}
