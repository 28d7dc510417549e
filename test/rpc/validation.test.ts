import { create, createRegistry, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchGetBalancesRequestSchema, GetBalanceRequestSchema } from '#gen/credit/v1/balance_pb.ts';
import { BatchConsumeCreditsRequestSchema } from '#gen/credit/v1/batch_pb.ts';
import { ConsumeCreditsRequestSchema } from '#gen/credit/v1/consumption_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { CreateGrantRequestSchema } from '#gen/credit/v1/grant_pb.ts';
import { file_credit_v1_rules } from '#gen/credit/v1/rules_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { PostTransactionRequestSchema } from '#gen/ledger/v1/posting_pb.ts';
import type { FieldViolation } from '../../src/refusal.ts';
import { isRefusal } from '../../src/refusal.ts';
import { plainCheck } from '../../src/rpc/call/plain-requests.ts';
import { createValidation } from '../../src/rpc/call/validation.ts';
import { madeOf } from './made-of.ts';

const requests = [...CreditService.methods, ...LedgerService.methods].map(({ input }) => input);
const validate = createValidation(requests);

function violationsOf<S extends DescMessage>(
  schema: S,
  request: MessageInitShape<S>,
): readonly FieldViolation[] {
  try {
    validate(schema, create(schema, request));
    return [];
  } catch (error) {
    if (isRefusal(error)) return error.refusal.violations ?? [];
    throw error;
  }
}
const fieldsOf = <S extends DescMessage>(schema: S, request: MessageInitShape<S>) =>
  violationsOf(schema, request).map(({ field }) => field);
const ruled = <S extends DescMessage>(schema: S, request: MessageInitShape<S>) =>
  violationsOf(schema, request).map(({ field, rule }) => [field, rule]);

const spend = { customerId: 'ada', currency: 'USD', amount: '1' };
const grant = { ...spend, name: 'a grant' };

describe('what is left out', () => {
  // A choice among several fields is a rule on the whole message, and says which they are.
  const CHOICES = ['effective_at.or_expiry'];

  test.each(requests.map((schema) => [schema.name, schema] as const))(
    '%s tells that it is required, and nothing else',
    (_name, schema) => {
      const told = violationsOf(schema, {}).filter(({ rule }) => !CHOICES.includes(rule));

      expect(told.filter(({ rule, message }) => rule !== 'required' || message !== 'is required')).toEqual(
        [],
      );
    },
  );

  test('is named by its whole path', () => {
    expect(ruled(CreateGrantRequestSchema, { ...grant, funding: {}, tax: {} })).toEqual([
      ['funding.method', 'required'],
      ['tax.code', 'required'],
    ]);
    expect(ruled(PostTransactionRequestSchema, { customerId: 'ada', entries: [{}] })).toEqual([
      ['entries', 'repeated.min_items'],
      ['entries[0].account_type', 'required'],
      ['entries[0].currency', 'required'],
      ['entries[0].amount', 'required'],
    ]);
    expect(ruled(GetBalanceRequestSchema, { customerId: 'ada', featureFilter: {} })).toEqual([
      ['feature_filter.filter', 'required'],
    ]);
  });
});

describe('a timestamp that is no instant', () => {
  const secondsOf = (text: string) => BigInt(Date.parse(text) / 1_000);
  const first = secondsOf('0001-01-01T00:00:00Z');
  const last = secondsOf('9999-12-31T23:59:59Z');

  test.each([
    [0n, -1],
    [0n, -999_999_999],
    [0n, 1_000_000_000],
    [0n, 2_147_483_647],
    [first - 1n, 999_999_999],
    [last + 1n, 0],
    [2n ** 63n - 1n, -1],
  ])('of %d seconds and %d nanoseconds is refused', (seconds, nanos) => {
    const instant = { seconds, nanos };

    expect(ruled(ConsumeCreditsRequestSchema, { ...spend, bookedAt: instant })).toEqual([
      ['booked_at', 'timestamp.instant'],
    ]);
    expect(ruled(GetBalanceRequestSchema, { customerId: 'ada', asOf: instant, knownAt: instant })).toEqual([
      ['as_of', 'timestamp.instant'],
      ['known_at', 'timestamp.instant'],
    ]);
    expect(
      ruled(CreateGrantRequestSchema, { ...grant, expiry: { case: 'expiresAt', value: instant } }),
    ).toEqual([['expires_at', 'timestamp.instant']]);
  });

  test('is told together with everything else', () => {
    const request = { ...spend, customerId: '', bookedAt: { seconds: 0n, nanos: -1 } };

    expect(ruled(ConsumeCreditsRequestSchema, request)).toEqual([
      ['customer_id', 'required'],
      ['booked_at', 'timestamp.instant'],
    ]);
  });

  test('in an item of a batch is the item’s matter alone', () => {
    const item = { ...spend, bookedAt: { seconds: 0n, nanos: -1 } };

    expect(ruled(BatchConsumeCreditsRequestSchema, { requests: [item] })).toEqual([]);
    expect(ruled(ConsumeCreditsRequestSchema, item)).toEqual([['booked_at', 'timestamp.instant']]);
  });

  test('is none at the ends of time, to the nanosecond', () => {
    const asOf = { seconds: first, nanos: 0 };
    const knownAt = { seconds: last, nanos: 999_999_999 };

    expect(ruled(GetBalanceRequestSchema, { customerId: 'ada', asOf, knownAt })).toEqual([]);
  });
});

describe('a blank at an end of an id or key', () => {
  test.each([' ada', 'ada ', ' ', '\u00a0ada', 'ada\u3000', 'ada\u2003'])('refuses %j', (key) => {
    expect(
      fieldsOf(CreateGrantRequestSchema, {
        ...grant,
        customerId: key,
        idempotencyKey: key,
        featureKeys: ['render', key],
        labels: { [key]: 'value' },
        tax: { code: key },
      }),
    ).toEqual([
      'customer_id',
      'idempotency_key',
      `labels[${JSON.stringify(key)}]`,
      'feature_keys[1]',
      'tax.code',
    ]);
    expect(fieldsOf(BatchGetBalancesRequestSchema, { customerIds: ['ada', key] })).toEqual([
      'customer_ids[1]',
    ]);
    expect(
      fieldsOf(GetBalanceRequestSchema, {
        customerId: 'ada',
        namespace: key,
        currencies: [key],
        featureFilter: { filter: { case: 'featureKey', value: key } },
      }),
    ).toEqual(['namespace', 'currencies[0]', 'feature_filter.feature_key']);
  });

  test('is refused wherever a request has an id or key of its own', () => {
    const texts = requests.flatMap((schema) =>
      schema.fields
        .filter(
          (field) =>
            /(_id|_key)$/.test(field.name) && field.scalar !== undefined && field.oneof === undefined,
        )
        .map((field) => [schema, field] as const),
    );
    const taken = texts.filter(([schema, { name, localName, fieldKind }]) => {
      const told = fieldsOf(schema, { [localName]: fieldKind === 'list' ? [' x'] : ' x' });
      return !told.some((path) => path === name || path.startsWith(`${name}[`));
    });

    expect(texts.length).toBeGreaterThan(60);
    expect(taken.map(([schema, { name }]) => `${schema.name}.${name}`)).toEqual([]);
  });

  test('is none of a matter inside one, or in text for people', () => {
    const request = { ...grant, customerId: 'Ada Lovelace', name: ' a grant ', labels: { 'a b': ' c ' } };

    expect(ruled(CreateGrantRequestSchema, request)).toEqual([]);
  });
});

describe('a request that is plain', () => {
  const asked = createValidator({ registry: createRegistry(file_credit_v1_rules) });
  const missingIn = (schema: DescMessage) =>
    new Set(asked.validate(schema, create(schema)).violations?.map(({ field }) => pathToString(field)));
  /** Right for some fields and wrong for others. */
  const texts = fc.oneof(
    fc.constantFrom(
      '',
      'ada',
      ' ada',
      'ada ',
      'a\nb',
      'Zoë',
      '\u200b',
      '\u2028',
      '\ud800',
      'acc_1',
      'tenant-1',
    ),
    fc.constantFrom(...[128, 129, 257].map((length) => 'x'.repeat(length))),
    fc.constantFrom('USD', 'usd', 'CREDITS_2', '1', '0', '-1', '0.000', '1.5', '1e5', '9'.repeat(19)),
    fc.constantFrom('P1M', 'P', 'PT0S'),
  );

  test.each(requests.map((schema) => [schema.name, schema] as const))(
    '%s keeps all rules',
    (_name, schema) => {
      const isPlain = plainCheck(schema, missingIn(schema)) ?? (() => false);
      const law = fc.property(madeOf(schema, texts, 1), (made) => {
        const request = create(schema, made);
        return !isPlain(request) || asked.validate(schema, request).kind === 'valid';
      });

      expect(fc.defaultReportMessage(fc.check(law, { numRuns: 200 }))).toBeUndefined();
    },
  );

  test.each([
    [GetBalanceRequestSchema, { customerId: 'ada', namespace: 'n' }],
    [ConsumeCreditsRequestSchema, { ...spend, name: 'Call', idempotencyKey: 'k', featureKey: 'a b' }],
  ] as const)('is what most calls ask: $0.name', (schema, made) => {
    const isPlain = plainCheck(schema, missingIn(schema))!;

    expect(isPlain(create(schema, made as object))).toBe(true);
    for (const field of Object.keys(made))
      expect([field, isPlain(create(schema, { ...made, [field]: '\n' } as object))]).toEqual([field, false]);
    expect(isPlain(create(schema))).toBe(false);
  });
});
