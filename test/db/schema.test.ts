import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { schemaOf } from '../support/schema.ts';
import { openSql } from '../support/sql.ts';

const { url } = await testDatabase();
const sql = await openSql(url);
afterAll(() => sql.end());

test('migrations/schema.sql shows what the migrations lead to; `npm run schema` writes it anew', async () => {
  await expect(await schemaOf(sql)).toMatchFileSnapshot('../../migrations/schema.sql');
});
