import type { Sql } from './sql.ts';

/**
 * What migrations have made of a database, as one text in the order of names: tables with their columns, constraints
 * and indexes, and what of them the owner may not change. Only what Postgres 15 and later print alike.
 */
export async function schemaOf(sql: Sql): Promise<string> {
  const tables = await sql.rows<Table>(TABLES);
  return [HEADER, ...tables.map(printed)].join('\n');
}

const HEADER = `-- The schema that the migrations lead to. Made by test/db/schema.test.ts, never edited.\n`;

type Table = {
  name: string;
  options: string[] | null;
  columns: string[];
  constraints: string[];
  indexes: string[];
  revoked: string[];
  granted: string[];
};

// Knex's own tables come from Knex. Constraints of kind n are the not nulls that stand with their columns already.
const TABLES = `
  select c.relname as name, c.reloptions as options,
    (select array_agg(
       a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
         || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
         || case when a.attnotnull then ' not null' else '' end order by a.attnum)
     from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select coalesce(array_agg('constraint ' || conname || ' ' || pg_get_constraintdef(oid) order by contype, conname), '{}')
     from pg_constraint where conrelid = c.oid and contype <> 'n') as constraints,
    (select coalesce(array_agg(pg_get_indexdef(i.indexrelid) order by i.indexrelid::regclass::text), '{}')
     from pg_index i
     where i.indrelid = c.oid
       and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = c.oid)) as indexes,
    (select coalesce(array_agg(lower(privilege) order by privilege), '{}')
     from unnest('{DELETE,TRUNCATE,UPDATE}'::text[]) privilege
     where c.relacl is not null and not exists (
       select from aclexplode(c.relacl) acl where acl.grantee = c.relowner and acl.privilege_type = privilege)
    ) as revoked,
    (select coalesce(array_agg(attname::text order by attnum), '{}')
     from pg_attribute where attrelid = c.oid
       and exists (select from aclexplode(attacl) acl where acl.grantee = c.relowner)) as granted
  from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not like 'knex_%'
  order by c.relname`;

const printed = ({ name, options, columns, constraints, indexes, revoked, granted }: Table): string =>
  [
    `create table ${name} (`,
    [...columns, ...constraints].map((line) => `  ${line}`).join(',\n'),
    options === null ? ');' : `) with (${options.join(', ')});`,
    ...indexes.map((index) => `${index.replace(' ON public.', ' ON ')};`),
    ...(revoked.length === 0 ? [] : [`revoke ${revoked.join(', ')} on ${name} from current_user;`]),
    ...(granted.length === 0 ? [] : [`grant update (${granted.join(', ')}) on ${name} to current_user;`]),
    '',
  ].join('\n');
