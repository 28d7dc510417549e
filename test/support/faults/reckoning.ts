import { isDeepStrictEqual } from 'node:util';
import { parseAmount } from '../../../src/amount.ts';
import { audit } from '../audit.ts';
import { callerOf } from '../caller.ts';
import type { Sql } from '../sql.ts';
import { verified } from '../verifier.ts';
import type { Followers } from './followers.ts';
import type { Asked } from './writers.ts';

/** What is wrong in the end, by what it would cost: all zero and empty is sound. */
export type Reckoning = {
  /** Acknowledged, and not there. */
  readonly lost: number;
  /** There more than once, or told more than once. */
  readonly doubled: number;
  /** There as another version, with another balance, answered otherwise when repeated, or shown out of order. */
  readonly wrong: number;
  /** What the audit of the rows, and Verify of the service, have found. */
  readonly audit: readonly object[];
  readonly verify: readonly unknown[];
};

/** So many of the requests are repeated once more, from all over the run. */
const REPEATED = 100;

export async function reckon(
  url: string,
  sql: Sql,
  acknowledged: readonly Asked[],
  followers: Followers,
): Promise<Reckoning> {
  const written = await sql.rows<{ customer_id: string; key: string; version: number }>(
    `select b.customer_id, w.idempotency_key as key, w.version
     from writes w join books b on b.shard = w.shard and b.id = w.book_id where w.idempotency_key is not null`,
  );
  const byKey = Map.groupBy(written, ({ customer_id, key }) => `${customer_id} ${key}`);
  const rowsOf = ({ request }: Asked) =>
    byKey.get(`${request['customerId']} ${request['idempotencyKey']}`) ?? [];
  const doubledRows = written.length - byKey.size;
  const otherVersion = acknowledged.filter(
    (asked) => rowsOf(asked).length > 0 && String(rowsOf(asked)[0]!.version) !== asked.answer['version'],
  );

  const versions = await sql.rows<{ customer_id: string; version: number }>(
    'select customer_id, version from books',
  );
  const [{ transactions }] = (await sql.rows('select count(*) as transactions from transactions')) as [
    { transactions: number },
  ];
  const { told, wentBack } = await followers.finish(
    transactions,
    new Map(versions.map(({ customer_id, version }) => [customer_id, BigInt(version)])),
  );
  const { findings } = await verified(url, { namespace: 'default' });
  return {
    lost: acknowledged.filter((asked) => rowsOf(asked).length === 0).length,
    doubled: doubledRows + told.length - new Set(told).size,
    wrong:
      otherVersion.length +
      wentBack +
      (await otherBalances(url, acknowledged)) +
      (await otherAnswers(url, acknowledged)) +
      // Nobody but these writers has written.
      Math.abs(byKey.size - acknowledged.length),
    audit: await audit(sql),
    verify: findings,
  };
}

/** Customers whose balance is not what was acknowledged to them, in all. */
async function otherBalances(url: string, acknowledged: readonly Asked[]): Promise<number> {
  const byCustomer = Map.groupBy(acknowledged, ({ request }) => String(request['customerId']));
  const wrong = await Promise.all(
    [...byCustomer].map(async ([customerId, own]) => {
      const sum = own.reduce((before, { rpc, request }) => {
        const amount = parseAmount(String(request['amount']));
        return rpc === 'CreateGrant' ? before + amount : before - amount;
      }, 0n);
      const { balances } = await callerOf({ url }).answer('GetBalance', { customerId });
      return parseAmount(String(balances[0].settled)) !== sum;
    }),
  );
  return wrong.filter(Boolean).length;
}

/** Requests that are answered otherwise now than they were. */
async function otherAnswers(url: string, acknowledged: readonly Asked[]): Promise<number> {
  const every = Math.max(1, Math.floor(acknowledged.length / REPEATED));
  const some = acknowledged.filter((_, i) => i % every === 0);
  const again = await Promise.all(some.map(({ rpc, request }) => callerOf({ url }).answer(rpc, request)));
  return again.filter((answer, i) => {
    const first = { ...some[i]!.answer, replayed: true };
    return !isDeepStrictEqual(answer, first);
  }).length;
}
