import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { GetBalanceResponseSchema } from '#gen/credit/v1/balance_pb.ts';
import { BatchCreateGrantsRequestSchema } from '#gen/credit/v1/batch_pb.ts';
import { CreateGrantRequestSchema } from '#gen/credit/v1/grant_pb.ts';
import { Right } from '#gen/credit/v1/right_pb.ts';
import { Health } from '#gen/grpc/health/v1/health_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { RIGHTS } from '../../src/credentials/credential.ts';
import { mount, rightOf } from '../../src/rpc/call/mounted-service.ts';
import { addressingOf } from '../../src/rpc/call/namespaces.ts';
import { Probe, type ProbeImplementation } from './probe.ts';

test('mounting names the RPC whose handler was forgotten', () => {
  const partial: Partial<ProbeImplementation> = { read: async () => ({ text: 'there' }) };

  expect(() => mount(Probe, partial as ProbeImplementation)).toThrow(
    'wiretest.v1.Probe/Write has no handler',
  );
});

const methods = [CreditService, LedgerService].flatMap((service: DescService) => service.methods);

test('every RPC needs one right, and READ is for what has no side effects and for nothing else', () => {
  const wrong = methods.filter(
    (method: DescMethod) =>
      (rightOf(method) === 'READ') !== (method.idempotency === IdempotencyLevel.NO_SIDE_EFFECTS),
  );

  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test('the rights are those of the proto', () => {
  const names = Object.keys(Right).filter((name) => name !== 'UNSPECIFIED');

  expect(names).toEqual([...RIGHTS]);
});

test('mounting names the RPC that says no right', () => {
  const implementation = {
    check: async () => ({}),
    list: async () => ({}),
    watch: async function* () {
      yield {};
    },
  };

  expect(() => mount(Health, implementation)).toThrow('grpc.health.v1.Health/Check says no right');
  expect(() => mount(Health, implementation, { isPublic: true })).not.toThrow();
});

test('every request tells its namespace itself, or each of its items does', () => {
  const batches = methods.filter(({ input }) => addressingOf(input) === 'items');

  expect(batches.map(({ name }) => name)).toEqual(['BatchCreateGrants', 'BatchConsumeCredits']);
});

test('a request that tells its namespace nowhere, or where nobody looks, is refused at the start', () => {
  expect(() => addressingOf(GetBalanceResponseSchema)).toThrow('GetBalanceResponse has no field namespace');

  // Such as a request within a request that is no item of a batch.
  const { fields } = BatchCreateGrantsRequestSchema;
  const nested = { ...fields[1]!, proto: { ...fields[1]!.proto, options: undefined } };
  const within = { ...CreateGrantRequestSchema, fields: [fields[0]!, nested] };
  expect(() => addressingOf(within as unknown as typeof CreateGrantRequestSchema)).toThrow(
    'credit.v1.CreateGrantRequest tells a namespace where nobody looks for it',
  );
});
