import { describe, expect, test } from 'vitest';
import { testWorld } from '../support/world.ts';
import { JSON_ALL, told, type Send } from './raw.ts';

/** Which texts are instants, over every protocol that speaks JSON. */

const { url } = await testWorld();

const GET_BALANCE = 'credit.v1.CreditService/GetBalance';

const WRONG_INSTANTS = [
  '2027-02-30T00:00:00Z',
  '2027-02-29T00:00:00Z',
  '2027-04-31T00:00:00Z',
  '2027-13-01T00:00:00Z',
  '2027-00-10T00:00:00Z',
  '2027-01-00T00:00:00Z',
  '2027-01-01T24:00:00Z',
  '2027-01-01T00:60:00Z',
  '2026-12-31T23:59:60Z',
  '2027-01-01t00:00:00Z',
  '2027-01-01T00:00:00z',
  '2027-01-01T00:00:00',
  '2027-01-01',
  '2027-01-01 00:00:00Z',
  '2027-01-01T00:00Z',
  '2027-01-01T00:00:00+24:00',
  '2027-01-01T00:00:00+0100',
  '2027-01-01T00:00:00.Z',
  '2027-01-01T00:00:00.1234567890Z',
  '27-01-01T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:59:59-01:00',
  '+02027-01-01T00:00:00Z',
  'soon',
  '',
  ' 2027-01-01T00:00:00Z',
  '1798761600',
  1798761600,
  { seconds: 1 },
  true,
];
const INSTANTS = [
  '2027-02-28T23:59:59Z',
  '2028-02-29T00:00:00.123456789Z',
  '2027-01-31T00:00:00+14:00',
  '2027-01-01T00:00:00-00:00',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
  '2000-02-29T12:00:00Z',
];

describe.each(Object.entries(JSON_ALL))('%s', (_name, send: Send) => {
  const balance = async (more: object) =>
    told(await send(url, GET_BALANCE, Buffer.from(JSON.stringify({ customer_id: 'ada', ...more }))));

  test.each(WRONG_INSTANTS)('takes %j for no instant', async (instant) => {
    expect(await balance({ as_of: instant, knownAt: instant })).toEqual([
      ['as_of', 'timestamp.instant'],
      ['known_at', 'timestamp.instant'],
    ]);
  });

  test.each(INSTANTS)('takes %s for an instant', async (instant) => {
    expect(await balance({ as_of: instant })).toEqual([]);
  });
});
