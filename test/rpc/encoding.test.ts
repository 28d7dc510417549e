import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchConsumeCreditsResultSchema } from '#gen/credit/v1/batch_pb.ts';
import { ConsumeCreditsResponseSchema } from '#gen/credit/v1/consumption_pb.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { Health } from '#gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '#gen/grpc/reflection/v1/reflection_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { bytesOf, writerOf, writerWithout } from '../../src/rpc/encoding/encode.ts';
import { raised, renumbering } from '../../src/rpc/encoding/encoded.ts';
import { madeOf } from './made-of.ts';

/** What is written straight from what a message is made of is what protobuf-es makes of the message. */

const methods = [CreditService, LedgerService, Health, ServerReflection].flatMap(
  (service) => service.methods,
);
const messages = new Map(methods.flatMap(({ input, output }) => [input, output]).map((m) => [m.typeName, m]));

test.each([...messages.values()].map((schema) => [schema.typeName, schema] as const))('%s', (_, schema) => {
  fc.assert(
    fc.property(madeOf(schema), (made) => {
      const message = create(schema, made);
      const expected = Buffer.from(toBinary(schema, message));
      const write = writerOf(schema);

      expect(Buffer.from(bytesOf((writer) => write(writer, made)))).toEqual(expected);
      expect(Buffer.from(bytesOf((writer) => write(writer, message)))).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

describe('a message of which something is left out', () => {
  const { input } = CreditService.method.consumeCredits;

  test('is written without that, and without what nobody knows', () => {
    const unknown = new Uint8Array([0xfa, 0x3f, 1, 7]);
    const sent = { namespace: 'n', customerId: 'ada', amount: '5', labels: { a: 'b' } };
    const request = fromBinary(input, Buffer.concat([toBinary(input, create(input, sent)), unknown]));
    const write = writerWithout(input, new Set(['namespace', 'customer_id']));

    const bytes = bytesOf((writer) => write(writer, request));

    expect(fromBinary(input, bytes)).toEqual(create(input, { amount: '5', labels: { a: 'b' } }));
  });
});

test('what fails half-way leaves nothing in what is written next', () => {
  const write = writerOf(ConsumeCreditsResponseSchema);
  const made = { charge: { id: 'chg' }, version: 5n };

  expect(() => bytesOf((writer) => write(writer, { ...made, version: 2n ** 70n }))).toThrow('int64');
  expect(
    fromBinary(
      ConsumeCreditsResponseSchema,
      bytesOf((writer) => write(writer, made)),
    ).version,
  ).toBe(5n);
});

test('what is written while something is written is apart from it', () => {
  const outer = bytesOf((writer) => {
    writer.string('outer');
    const inner = bytesOf((own) => own.string('inner'));
    writer.raw(inner);
  });

  expect(Buffer.from(outer).toString()).toBe('\u0005outer\u0005inner');
});

describe('the bytes of an answer', () => {
  const schema = ConsumeCreditsResponseSchema;
  const made = {
    charge: { id: 'chg_1', labels: { job: '7' } },
    collection: { allocations: [{ grantId: 'grt_1', amount: '5' }] },
    balance: { currency: 'USD', settled: '5' },
    version: 300n,
    recordedAt: { seconds: 5n, nanos: 6 },
  };
  const bytes = toBinary(schema, create(schema, made));

  test('become those of a replay', () => {
    expect(fromBinary(schema, raised(bytes, schema.field.replayed))).toEqual(
      create(schema, { ...made, replayed: true }),
    );
  });

  test('become those of a result in a batch, without what this release does not know', () => {
    const toResult = renumbering(schema, BatchConsumeCreditsResultSchema);
    const { charge, ...same } = made;
    const later = Buffer.concat([raised(bytes, schema.field.replayed), new Uint8Array([0xfa, 0x3f, 1, 7])]);

    const expected = { ...same, replayed: true, outcome: { case: 'charge' as const, value: charge } };
    expect(
      fromBinary(
        BatchConsumeCreditsResultSchema,
        bytesOf((writer) => toResult(writer, later)),
      ),
    ).toEqual(create(BatchConsumeCreditsResultSchema, expected));
  });
});
