import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { GetBalanceRequestSchema } from '#gen/credit/v1/balance_pb.ts';
import { BatchConsumeCreditsRequestSchema } from '#gen/credit/v1/batch_pb.ts';
import { FundingMethod } from '#gen/credit/v1/funding_pb.ts';
import { callerOf } from '../support/caller.ts';
import { testWorld } from '../support/world.ts';
import { BINARY, JSON_ALL, JSON_POST, told, type Send } from './raw.ts';

/** What cannot be read is refused, by every protocol, and every field of it named by its whole path. */

const { url, sql } = await testWorld();
const caller = callerOf({ url });

const GET_BALANCE = 'credit.v1.CreditService/GetBalance';
const CREATE_GRANT = 'credit.v1.CreditService/CreateGrant';
const CREATE_CHARGE = 'credit.v1.CreditService/CreateCharge';
const BATCH = 'credit.v1.CreditService/BatchConsumeCredits';

const text = (json: object | string) => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));

describe.each(Object.entries(JSON_ALL))('%s', (_name, send: Send) => {
  const balance = async (more: object | string) =>
    told(
      await send(url, GET_BALANCE, text(typeof more === 'string' ? more : { customer_id: 'ada', ...more })),
    );

  test('tells everything that cannot be read at once, in proto names', async () => {
    const request = {
      customer_id: 5,
      minVersion: 'many',
      currencies: ['USD', null, 7],
      parts: ['SETTLED', 1],
      asOff: 1,
      featureFilter: { featureKey: 'a', unrestricted: 'yes', featureKeys: [] },
    };

    expect(await balance(request)).toEqual([
      ['customer_id', 'decodable'],
      ['min_version', 'decodable'],
      ['currencies[1]', 'decodable'],
      ['currencies[2]', 'decodable'],
      ['parts[0]', 'enum.defined_only'],
      ['asOff', 'unknown'],
      ['feature_filter.unrestricted', 'oneof.exclusive'],
      ['feature_filter.unrestricted', 'decodable'],
      ['feature_filter.featureKeys', 'unknown'],
    ]);
  });

  test.each([
    ['9007199254740993', 'decodable'],
    ['9223372036854775808', 'decodable'],
    ['"9223372036854775808"', 'decodable'],
    ['1.5', 'decodable'],
    ['"1e3"', 'decodable'],
    ['"0x10"', 'decodable'],
    ['true', 'decodable'],
    ['[]', 'decodable'],
  ])('takes %s for no whole number', async (number, rule) => {
    expect(await balance(`{"customer_id":"ada","min_version":${number}}`)).toEqual([['min_version', rule]]);
  });

  test('refuses a key that is given twice, however it is spelled', async () => {
    expect(await balance('{"customer_id":"ada","currencies":[],"currencies":["USD"]}')).toEqual([
      ['currencies', 'twice'],
    ]);
    expect(await balance('{"customer_id":"ada","customerId":"bob"}')).toEqual([['customer_id', 'twice']]);
    expect(await balance(String.raw`{"customer_id":"ada","customer\u005fid":"bob"}`)).toEqual([
      ['customer_id', 'twice'],
    ]);
    expect(
      await balance('{"customer_id":"ada","feature_filter":{"feature_key":"a","feature_key" : "b"}}'),
    ).toEqual([['feature_filter.feature_key', 'twice']]);
    expect(await balance(String.raw`{"customer_id":"\":\"customer_id\":"}`)).toEqual([]);
  });

  test('refuses half a surrogate pair', async () => {
    expect(await balance(String.raw`{"customer_id":"a\ud800","currencies":["\udc00"]}`)).toEqual([
      ['customer_id', 'unicode'],
      ['currencies[0]', 'unicode'],
    ]);
  });

  test.each(['null', '[]', '"x"', '5', '{', '', '{"customer_id":"ada"} x', "{'customer_id':'ada'}"])(
    'takes %j for no request',
    async (body) => {
      expect(await balance(body)).toEqual([['', 'decodable']]);
    },
  );

  test('takes null for a field that is not given, as protobuf does', async () => {
    expect(await balance({ as_of: null, currencies: null, parts: null, feature_filter: null })).toEqual([]);
    expect(await balance({ feature_filter: { feature_key: 'a', unrestricted: null } })).toEqual([]);
  });
});

describe.each(Object.entries(JSON_POST))('%s', (_name, send: Send) => {
  const refusalOf = async (rpc: string, json: object | string) => told(await send(url, rpc, text(json)));
  const grant = { customer_id: 'ada', name: 'a grant', currency: 'USD', amount: '1' };

  test('names what of a grant cannot be read', async () => {
    const request = {
      ...grant,
      amount: 5,
      expires_at: 'soon',
      expires_after: 'P1M',
      tax: 'VAT',
      priority: 2 ** 31,
      funding: { method: 'card', kind: 1 },
      labels: { a: 1, 'b c': null },
      feature_keys: 'render',
    };

    expect(await refusalOf(CREATE_GRANT, request)).toEqual([
      ['amount', 'decodable'],
      ['expires_at', 'timestamp.instant'],
      ['expires_after', 'oneof.exclusive'],
      ['tax', 'decodable'],
      ['priority', 'decodable'],
      ['funding.method', 'enum.defined_only'],
      ['funding.kind', 'unknown'],
      ['labels["a"]', 'decodable'],
      ['labels["b c"]', 'decodable'],
      ['feature_keys', 'decodable'],
    ]);
    expect(await refusalOf(CREATE_CHARGE, { ...grant, type: 'usage' })).toEqual([
      ['type', 'enum.defined_only'],
    ]);
  });

  test('refuses what is no calendar duration', async () => {
    for (const expires_after of [
      'P',
      'PT',
      '1M',
      'P-1D',
      'P1.5D',
      'P0D',
      'PT1.2345S',
      'P1DT',
      'p1d',
      ' P1D',
      'P1D ',
      'P1M1Y',
    ])
      expect(await refusalOf(CREATE_GRANT, { ...grant, expires_after })).toEqual([
        ['expires_after', 'duration.form'],
      ]);
  });

  test('refuses a batch whole that cannot be read, names the items, and does nothing', async () => {
    const good = {
      customer_id: `good-${_name}`,
      currency: 'USD',
      amount: '1',
      settlement_mode: 'SETTLEMENT_MODE_CREDIT_ONLY',
    };
    const requests = [
      good,
      { ...good, booked_at: '2027-02-30T00:00:00Z' },
      { ...good, amount: 1 },
      'x',
      good,
    ];

    expect(await refusalOf(BATCH, { requests })).toEqual([
      ['requests[1].booked_at', 'timestamp.instant'],
      ['requests[2].amount', 'decodable'],
      ['requests[3]', 'decodable'],
    ]);
    expect(await sql.rows('select 1 from books where customer_id = $1', [good.customer_id])).toEqual([]);
  });

  test('names no more than anybody corrects at once', async () => {
    expect(await refusalOf(BATCH, { requests: Array.from({ length: 100_000 }, () => 0) })).toHaveLength(100);
  });

  test('refuses bytes that are no UTF-8, and keeps one customer from becoming another', async () => {
    const request = Buffer.concat([text('{"customer_id":"ad'), Buffer.from([0xff]), text('a"}')]);

    expect(told(await send(url, GET_BALANCE, request))).toEqual([['', 'decodable']]);
  });
});

test('an item of a batch that can be read and is wrong fails alone', async () => {
  const good = {
    customer_id: 'one',
    currency: 'USD',
    amount: '1',
    settlement_mode: 'SETTLEMENT_MODE_CREDIT_ONLY',
  };
  const { results } = await caller.answer('BatchConsumeCredits', {
    requests: [good, { ...good, amount: '-1' }, good],
  });

  expect(results.map((result: object) => 'charge' in result)).toEqual([true, false, true]);
});

test('a stream whose request cannot be read names its fields too', async () => {
  const request = { customer_id: 'ada', below: [{ currency: 'USD', amount: 5, part: 'LIVE' }] };
  const seen = await JSON_POST['gRPC-Web JSON']!(url, 'credit.v1.CreditService/WatchBalance', text(request));

  expect(told(seen)).toEqual([
    ['below[0].amount', 'decodable'],
    ['below[0].part', 'enum.defined_only'],
  ]);
});

test('a GET with a query that is no UTF-8 is refused', async () => {
  const response = await fetch(
    `${url}/${GET_BALANCE}?connect=v1&encoding=json&message=%7B%22customer_id%22%3A%22ad%FFa%22%7D`,
  );

  expect(response.status).toBe(400);
});

describe.each(Object.entries(BINARY))('%s, binary', (_name, send: Send) => {
  const request = (more: MessageInitShape<typeof GetBalanceRequestSchema>) =>
    toBinary(GetBalanceRequestSchema, create(GetBalanceRequestSchema, { customerId: 'ada', ...more }));

  test.each([
    [0n, -1],
    [0n, -999_999_999],
    [0n, 1_000_000_000],
    [0n, 2_147_483_647],
    [-62_135_596_801n, 0],
    [253_402_300_800n, 0],
  ])('takes %d seconds and %d nanoseconds for no instant', async (seconds, nanos) => {
    expect(told(await send(url, GET_BALANCE, request({ asOf: { seconds, nanos } })))).toEqual([
      ['as_of', 'timestamp.instant'],
    ]);
  });

  test('refuses text that is no UTF-8, and names it', async () => {
    const bytes = Buffer.from(request({ currencies: ['USD', 'ZZZ'] }));
    bytes[bytes.indexOf('ZZZ')] = 0xff;
    bytes[bytes.indexOf('ada')] = 0xc0;

    expect(told(await send(url, GET_BALANCE, bytes))).toEqual([
      ['customer_id', 'decodable'],
      ['currencies[1]', 'decodable'],
    ]);
  });

  test('takes bytes that break off for no request', async () => {
    expect(told(await send(url, GET_BALANCE, request({}).subarray(0, -1)))).toEqual([['', 'decodable']]);
  });

  test('takes a request that is one', async () => {
    expect(await send(url, GET_BALANCE, request({ asOf: { seconds: 0n, nanos: 999_999_999 } }))).toBe(
      'taken',
    );
  });
});

test('a batch in binary whose item cannot be read names the item', async () => {
  const item = { customerId: 'ada', currency: 'USD', amount: '1' };
  const labels = { key: 'ZZZ' };
  const requests = [item, { ...item, name: 'ZZZ', tax: { code: 'ZZZ' } }, item, { ...item, labels }];
  const schema = BatchConsumeCreditsRequestSchema;
  const bytes = Buffer.from(toBinary(schema, create(schema, { requests })));
  for (let at = bytes.indexOf('ZZZ'); at >= 0; at = bytes.indexOf('ZZZ')) bytes[at] = 0xff;

  expect(told(await BINARY['gRPC']!(url, BATCH, bytes))).toEqual([
    ['requests[1].name', 'decodable'],
    ['requests[1].tax.code', 'decodable'],
    ['requests[3].labels', 'decodable'],
  ]);
});

test('enums are told by the names there are', async () => {
  const seen = await JSON_POST['Connect JSON']!(url, CREATE_GRANT, text({ funding: { method: 'card' } }));

  const names = Object.keys(FundingMethod).filter((name) => !/^\d+$|UNSPECIFIED/.test(name));
  expect(seen).toMatchObject({
    message: `funding.method: must be one of ${names.map((name) => `FUNDING_METHOD_${name}`).join(', ')}`,
  });
});
