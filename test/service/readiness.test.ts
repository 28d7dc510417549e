import { afterAll, expect, test } from 'vitest';
import { Health, HealthCheckResponse_ServingStatus as Status } from '#gen/grpc/health/v1/health_pb.ts';
import { tokenCredentials } from '../../src/credentials/tokens.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { untilSo } from '../support/until.ts';
import { testWorld } from '../support/world.ts';

/** What load balancers are told of an instance: the truth about its database, whoever they are. */

const credentials = tokenCredentials([{ name: 'billing', permission: 'write', token: 'secret' }]);
const { time, sql, another } = await testWorld();
const { url } = await another({ credentials });
const client = grpcCaller(url);
afterAll(() => client.close());

/** Status and body of a page. */
async function page(path: string, init: RequestInit = {}) {
  const response = await fetch(`${url}${path}`, init);
  return [response.status, await response.text()] as const;
}

/** Nobody gets a connection, and nobody keeps one but this test. */
async function cutOff() {
  await sql.rows(
    `do $$ begin execute format('alter database %I connection limit 0', current_database()); end $$`,
  );
  await sql.rows(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
}
const letIn = () =>
  sql.rows(`do $$ begin execute format('alter database %I connection limit -1', current_database()); end $$`);

test('readiness falls while the database is away and rises by itself; the process stays alive', async () => {
  const watch = client.follow(Health.method.watch, { service: 'credit.v1.CreditService' });
  const told = async () => (await watch.next()).value?.status;
  expect(await told()).toBe(Status.SERVING);
  expect(await page('/readyz')).toEqual([200, '{"ready":true}\n']);
  await cutOff();
  const fallen = told();
  await untilSo('it is not ready', async () => {
    time.pass(1_000);
    return (await page('/readyz'))[0] === 503;
  });

  expect(await page('/readyz')).toEqual([
    503,
    '{"ready":false,"reason":"DATABASE_UNAVAILABLE","message":"the database has not answered for some seconds"}\n',
  ]);
  expect(await page('/livez')).toEqual([200, '{"alive":true}\n']);
  expect(await fallen).toBe(Status.NOT_SERVING);
  expect((await client.call(Health.method.check, {})).status).toBe(Status.NOT_SERVING);

  await letIn();
  const risen = told();
  await untilSo('it is ready', async () => {
    time.pass(1_000);
    return (await page('/readyz'))[0] === 200;
  });
  expect(await risen).toBe(Status.SERVING);
  watch.cancel();
});

test('the pages are read by GET and HEAD, and by nobody else', async () => {
  expect(await page('/livez', { method: 'HEAD' })).toEqual([200, '']);
  expect((await page('/livez', { method: 'POST', body: '{}' }))[0]).toBe(404);
});
