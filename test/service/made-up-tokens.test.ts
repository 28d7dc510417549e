import { create, type DescMessage, type DescMethodUnary } from '@bufbuild/protobuf';
import type { DescMethodServerStreaming } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { sealOf } from '../../src/rpc/seal.ts';
import { failureOf } from '../rpc/clients.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { grantRequest } from '../support/requests.ts';
import { testWorld } from '../support/world.ts';

/** The seal of tokens and cursors is no secret: whatever somebody puts into one is read as strictly as a request. */

const { caller, url } = await testWorld();
const client = grpcCaller(url);
afterAll(() => client.close());

const NAMESPACE = 'forged';
const CUSTOMER = 'ada';
beforeAll(() => caller.answer('CreateGrant', grantRequest({ namespace: NAMESPACE, customerId: CUSTOMER })));

const TOKENS = ['page_token', 'cursor'];
const takesToken = ({ input }: { readonly input: DescMessage }) =>
  input.fields.find(({ name }) => TOKENS.includes(name));
const METHODS = [...CreditService.methods, ...LedgerService.methods].filter(takesToken);

/** What may be asked of a whole namespace, too. */
const OF_A_NAMESPACE = ['ListAccounts', 'ListScheduledGrants', 'WatchTransactions'];

/** Asks with a token that fits the question and holds these bytes. */
async function ask(method: (typeof METHODS)[number], customerId: string, body: Buffer): Promise<unknown> {
  const { input } = method;
  const has = (name: string) => input.fields.some((field) => field.name === name);
  const asked = {
    namespace: NAMESPACE,
    ...(has('customer_id') && { customerId }),
  };
  const token = sealOf(input, create(input, asked as never) as never, new Set()).close(body);
  const request = { ...asked, [takesToken(method)!.localName]: token };
  if (method.methodKind === 'unary') return client.call(method as DescMethodUnary, request);
  const stream = client.follow(method as DescMethodServerStreaming, request);
  const { value } = await stream.next();
  stream.cancel();
  return value;
}

const id = (prefix: string) => `${prefix}_${'0'.repeat(32)}`;
const YEAR_300000 = '9410672534400000';
const LISTS: readonly unknown[] = [
  [],
  {},
  null,
  1,
  'abc',
  [1],
  [null],
  [[]],
  ['abc'],
  [''],
  ['1.5', '2'],
  ['1', '2'],
  ['-1', '-1'],
  ['1', '2', '3'],
  ['1', '2', '3', '4'],
  ['1', '2', '3', '4', '5', '6'],
  ['NaN', 'Infinity', id('grt')],
  // Of the right shape, with one value that is none.
  ...['x', YEAR_300000, '1e9', '-99999999999999', '1.5', '9'.repeat(30)].flatMap((instant) => [
    [instant, '0', '1', id('grt')],
    ['0', instant, '1', id('grt')],
    ['0', '0', instant, id('grt')],
    ['0', '0', '1', 'older', instant, '1', '1'],
    ['0', '0', '1', 'older', '0', instant, '1'],
    ['0', '0', '1', 'older', '0', '1', instant],
    ['0', '0', '1', instant, '1'],
    ['0', '0', '1', '1', instant],
    ['0', '0', '1', instant, '0', id('grt')],
  ]),
  ...['grt_', id('GRT'), 'a', '', '\u0000', 'é', `${id('grt')}'`, 'newest'].flatMap((text) => [
    ['0', '0', '1', text],
    ['0', '0', '1', '0', '0', text],
    ['0', '0', '1', text, '0', '1', '1'],
    [text],
  ]),
];
const BODIES: readonly Buffer[] = [
  ...LISTS.map((list) => Buffer.from(JSON.stringify(list))),
  ...['', '[', 'ä', '["0"]x', '\u0000'].map((text) => Buffer.from(text)),
  ...[0, 1, 2, 255].flatMap((byte) => [1, 2, 9, 300].map((length) => Buffer.alloc(length, byte))),
  // A feed's cursor whose numbers take more bytes than they need, or are larger than any there is.
  Buffer.from([1, 0x80, 0x00, 0x00]),
  Buffer.from([1, ...Array<number>(7).fill(0xff), 0x7f, 0x00]),
  Buffer.from([1, 0x00, 0xff, 0xff, 0xff, 0xff, 0x7f]),
];

test('every list and every stream that can be resumed takes a token', () => {
  expect(METHODS.map(({ name }) => name).toSorted()).toEqual(
    [
      'ListAccounts',
      'ListCharges',
      'ListCurrencies',
      'ListEntries',
      'ListGrants',
      'ListScheduledGrants',
      'ListTransactions',
      'ListTransactions',
      'WatchTransactions',
    ].toSorted(),
  );
});

describe.each(
  METHODS.flatMap((method) => [
    [`${method.parent.name}.${method.name}`, method, CUSTOMER] as const,
    ...(OF_A_NAMESPACE.includes(method.name) ? [[`${method.name} of a namespace`, method, ''] as const] : []),
  ]),
)('%s', (_, method, customerId) => {
  const field = takesToken(method)!.name;

  test('refuses every token that holds what it would not write', async () => {
    const told = await Promise.all(
      BODIES.map(
        async (body) => [body.toString('latin1'), await outcomeOf(ask(method, customerId, body))] as const,
      ),
    );

    expect(told.filter(([, outcome]) => outcome !== `INVALID_ARGUMENT PAGE_TOKEN_MISMATCH ${field}`)).toEqual(
      [],
    );
  });
});

/** How a call ends: its refusal in a line. */
async function outcomeOf(answer: Promise<unknown>): Promise<string> {
  const { code, reason, metadata } = await failureOf(answer);
  return `${String(code)} ${String(reason)} ${(metadata as { field?: string } | undefined)?.field ?? ''}`;
}
