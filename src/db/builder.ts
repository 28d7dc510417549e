import knex, { type Knex } from 'knex';
import { statement, type Statement } from './statement.ts';

/** Knex without a database: it builds the texts of statements where that reads as well as SQL, once, at the start. */
export const build = knex({ client: 'pg' });

/** The parameter of a statement by its number. */
export const param = (number: number): Knex.Raw => build.raw(`$${number}`);

/** Declares the statement that was built. */
export const built = <Row>(name: string, query: Knex.QueryBuilder): Statement<Row> =>
  statement<Row>(name, query.toSQL().toNative().sql);
