import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { createDatabase, dropDatabase, withDatabase, withUser } from '../../test/support/databases.ts';
import { openSql, type Sql } from '../../test/support/sql.ts';
import { migrate } from '../../src/db/migrate.ts';
import { loadProcess, type LoadProcess } from './load-process.ts';
import { seedCustomers } from './customers.ts';
import { endProcess, startProcess, type ServerProcess } from './process.ts';

/** What a figure works with. Everything it starts here is ended, and every database dropped, when it is done. */
export type Bench = {
  /** For trying a figure out: fewer rounds, shorter, smaller. Its numbers mean nothing. */
  readonly quick: boolean;
  /** A directory for this run's files, on the disk the databases are on. */
  readonly directory: string;
  /** Of the Postgres that all sides share: as `npm start` starts it, every commit on disk. */
  readonly postgresPid: number;
  /** A database with the schema of this release, or of that of another checkout: empty, or with the customers of customers.ts. */
  database(content: 'empty' | 'customers', checkout?: string): Promise<string>;
  sql(databaseUrl: string): Promise<Sql>;
  /** The service as it ships, over a database of this run; `env` sets what an operator may set. */
  service(databaseUrl: string, more?: ServiceMore): Promise<ServerProcess>;
  /** Another server: a program of bench/baselines. */
  server(program: string, env?: Readonly<Record<string, string>>): Promise<ServerProcess>;
  load(): LoadProcess;
  /** Does something at the end, last first. */
  defer(undo: () => Promise<void> | void): void;
  say(line: string): void;
};

type ServiceMore = {
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whose service; it needs its packages. This one's, unless said. */
  readonly checkout?: string;
  /** Longer where it migrates much. */
  readonly startsWithinMs?: number;
};

export type BenchOptions = Pick<Bench, 'quick' | 'directory' | 'postgresPid' | 'say'> & {
  /** Of the server, with the right to make databases. */
  readonly postgresUrl: string;
  /** Of the same server, as the service's role. */
  readonly serviceUrl: string;
};

const HERE = resolve(import.meta.dirname, '../..');
const SEEDED = 'bench_customers';
let databases = 0;
let processes = 0;

/** What figures work with, over one running Postgres; `end` undoes it all. */
export function createBench(options: BenchOptions): Bench & { end(): Promise<void> } {
  const { directory, postgresUrl, serviceUrl, ...rest } = options;
  const { user, password } = new pg.Client({ connectionString: serviceUrl });
  const undo = new AsyncDisposableStack();
  const logFile = (name: string) => join(directory, `${(processes += 1)}-${name}.log`);

  const start = async (
    command: readonly string[],
    name: string,
    how: Pick<ServiceMore, 'startsWithinMs'> & { readonly env: Readonly<Record<string, string>> },
  ) => {
    const server = await startProcess([process.execPath, ...command], { ...how, logFile: logFile(name) });
    undo.defer(() => server.end());
    return server;
  };
  const service: Bench['service'] = (
    databaseUrl,
    { nodeArgs = [], env = {}, checkout = HERE, ...waits } = {},
  ) => {
    const ours = { ...rolesOf(databaseUrl, checkout), CREDIT_LEDGER_PORT: '0', ...env };
    return start([...nodeArgs, join(checkout, 'src/main.ts')], 'service', { ...waits, env: ours });
  };

  /** A release of before has one role for everything. */
  const rolesOf = (databaseUrl: string, checkout: string): Readonly<Record<string, string>> =>
    existsSync(join(checkout, 'src/migrate.ts'))
      ? {
          DATABASE_URL: withUser(databaseUrl, user!, password!),
          CREDIT_LEDGER_MIGRATE_URL: databaseUrl,
        }
      : { DATABASE_URL: databaseUrl };

  async function copyOf(template: string): Promise<string> {
    const name = `bench_${(databases += 1)}`;
    await createDatabase(postgresUrl, name, template);
    undo.defer(() => dropDatabase(postgresUrl, name));
    return withDatabase(postgresUrl, name);
  }

  /** Made once per run, by the release that will use it, then copied: all sides begin with the same bytes. */
  async function ensureSeeded(checkout: string): Promise<string> {
    const name = `${SEEDED}_${createHash('md5').update(resolve(checkout)).digest('hex').slice(0, 8)}`;
    const admin = await openSql(postgresUrl);
    const found = await admin.rows('select from pg_database where datname = $1', [name]);
    await admin.end();
    if (found.length > 0) return name;
    options.say(`seeding customers of ${checkout}`);
    const url = withDatabase(postgresUrl, name);
    await createDatabase(postgresUrl, name, 'template0');
    const server = await startProcess([process.execPath, join(checkout, 'src/main.ts')], {
      env: { ...rolesOf(url, checkout), CREDIT_LEDGER_PORT: '0' },
      logFile: logFile('seeding'),
    });
    try {
      await seedCustomers(server.url);
    } finally {
      await server.end();
    }
    const sql = await openSql(url);
    await sql.rows('vacuum analyze');
    await sql.end();
    return name;
  }

  return {
    ...rest,
    directory,
    async database(content, checkout = HERE) {
      if (content === 'customers') return copyOf(await ensureSeeded(checkout));
      const url = await copyOf('template0');
      await migrate({ url });
      return url;
    },
    async sql(databaseUrl) {
      const sql = await openSql(databaseUrl);
      undo.defer(() => sql.end());
      return sql;
    },
    service,
    server: (program, env = {}) => start([program], 'baseline', { env }),
    load() {
      const child = fork('bench/load/main.ts', { serialization: 'advanced' });
      undo.defer(() => endProcess(child));
      return loadProcess(child);
    },
    defer: (work) => undo.defer(async () => work()),
    end: () => undo.disposeAsync(),
  };
}
