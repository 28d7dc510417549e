import { afterAll } from 'vitest';
import { callerOf, type Caller } from './caller.ts';
import { testDatabase } from './postgres.ts';
import type { RunningService } from '../../src/service.ts';
import { testClock, type TestClock } from './clock.ts';
import { testService } from './service.ts';
import { openSql, type Sql } from './sql.ts';

/** What a test of the whole service needs: one instance, its clock, and the rows it writes. */
export type World = {
  readonly url: string;
  readonly databaseUrl: string;
  readonly ownerUrl: string;
  readonly time: TestClock;
  readonly caller: Caller;
  readonly sql: Sql;
  /** One more instance on the same database and clock. */
  another(options?: Parameters<typeof testService>[1]): Promise<Caller & RunningService>;
};

/** A service over a database of this test file's own, with a clock that tests move. Call it at the top of the file. */
export async function testWorld(options: Parameters<typeof testService>[1] = {}): Promise<World> {
  const database = await testDatabase();
  const time = testClock();
  const start = async (more: Parameters<typeof testService>[1] = {}) => {
    const service = await testService(database.url, {
      clock: time.clock,
      // Years may pass by hand while the database answers one question.
      staleAfterMs: 2 ** 50,
      ...options,
      ...more,
    });
    afterAll(() => service.stop());
    return service;
  };
  const { url } = await start();
  const sql = await openSql(database.url);
  afterAll(() => sql.end());
  const another = async (more = {}) => {
    const service = await start(more);
    return { ...callerOf(service), ...service };
  };
  return {
    url,
    databaseUrl: database.url,
    ownerUrl: database.ownerUrl,
    time,
    caller: callerOf({ url }),
    sql,
    another,
  };
}
