import { beforeAll, describe, expect, test } from 'vitest';
import { actingInTurn, BY_ACTOR } from '../support/acting.ts';
import { START } from '../support/histories.ts';
import { neighbour } from '../support/neighbours.ts';
import { longHistories, playThrough } from '../support/played.ts';
import { grantRequest } from '../support/requests.ts';
import type { Json } from '../support/service.ts';
import { testWorld } from '../support/world.ts';

/** Lists of grants and charges: a filter, and any two together, show what filtering the whole list would leave. */

const { caller, time, url } = await testWorld();
const acting = actingInTurn({ url });
const CUSTOMERS = [0, 1].map((i) => neighbour('ada', i));
const KEYS = ['first', 'second'];

beforeAll(async () => {
  for (const [i, steps] of longHistories(2, 20_261_128).entries()) {
    const customerId = CUSTOMERS[i]!;
    time.now = START;
    for (const idempotencyKey of KEYS)
      await acting.answer('CreateGrant', grantRequest({ customerId, idempotencyKey }));
    await playThrough(acting, time, steps, customerId);
  }
});

type Filter = { readonly asked: object; readonly shows: (row: Json) => boolean };
type List = {
  readonly rpc: string;
  readonly field: string;
  /** The filters of each kind. */
  readonly kinds: readonly (readonly Filter[])[];
};

const having = (field: string, values: readonly string[]): readonly Filter[] =>
  values.map((value) => ({ asked: { [field]: value }, shows: (row) => row[field] === value }));
const statuses = (prefix: string, sets: readonly (readonly string[])[]): readonly Filter[] =>
  sets.map((set) => {
    const asked = set.map((status) => `${prefix}_${status}`);
    return { asked: { statuses: asked }, shows: ({ status }) => asked.includes(status) };
  });

const LISTS: readonly List[] = [
  {
    rpc: 'ListCharges',
    field: 'charges',
    kinds: [
      statuses('CHARGE_STATUS', [
        ['OPEN'],
        ['CANCELED'],
        ['FINAL'],
        ['OPEN', 'CANCELED'],
        ['FINAL', 'CANCELED'],
      ]),
      having('type', ['CHARGE_TYPE_FLAT_FEE', 'CHARGE_TYPE_USAGE_BASED']),
      having('currency', ['USD', 'EUR', 'GBP']),
      having('featureKey', ['a', 'b', 'c']),
      BY_ACTOR,
    ],
  },
  {
    rpc: 'ListGrants',
    field: 'grants',
    kinds: [
      statuses('GRANT_STATUS', [['ACTIVE'], ['EXPIRED'], ['VOIDED', 'PENDING'], ['ACTIVE', 'VOIDED']]),
      having('currency', ['USD', 'EUR', 'GBP']),
      // Of use to a charge for the key: unrestricted ones too.
      ['a', 'b', 'c'].map((featureKey) => ({
        asked: { featureKey },
        shows: ({ featureKeys = [] }) => featureKeys.length === 0 || featureKeys.includes(featureKey),
      })),
      having('idempotencyKey', [...KEYS, 'nobody’s']),
      BY_ACTOR,
    ],
  },
];

async function pages({ rpc, field }: List, request: object, pageSize: number): Promise<readonly Json[]> {
  const rows: Json[] = [];
  for (let pageToken = ''; ;) {
    const page = await caller.answer(rpc, { ...request, pageSize, pageToken });
    rows.push(...(page[field] ?? []));
    pageToken = page['nextPageToken'] ?? '';
    if (pageToken === '') return rows;
  }
}

const anyTwo = (kinds: List['kinds']): readonly Filter[] =>
  kinds.flatMap((some, i) => [
    ...some,
    ...kinds
      .slice(i + 1)
      .flat()
      .flatMap((b) =>
        some.map((a): Filter => ({
          asked: { ...a.asked, ...b.asked },
          shows: (row) => a.shows(row) && b.shows(row),
        })),
      ),
  ]);

test.each(LISTS)('each kind of filter lets some rows of $rpc through, and keeps some out', async (list) => {
  const all = await Promise.all(CUSTOMERS.map((customerId) => pages(list, { customerId }, 1_000)));

  const parts = (kind: readonly Filter[]) =>
    all.some((rows) => kind.some(({ shows }) => rows.some(shows) && !rows.every(shows)));
  expect(list.kinds.map(parts)).toEqual(list.kinds.map(() => true));
});

describe.each(CUSTOMERS)('of %s', (customerId) => {
  test.each(LISTS)('$rpc', async (list) => {
    const whole = await pages(list, { customerId }, 1_000);
    const filters = anyTwo(list.kinds);

    for (const { asked, shows } of filters) {
      expect(await pages(list, { customerId, ...asked }, 4), JSON.stringify(asked)).toEqual(
        whole.filter(shows),
      );
    }
  });
});
