import { execFile } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VerifyVerdict } from '#gen/ledger/v1/verify_pb.ts';
import { readPassword } from '../../src/embedded/cluster.ts';
import { findPostmaster } from '../../src/embedded/postmaster.ts';
import { connectAsSuperuser } from '../../src/embedded/provision.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded/start.ts';
import type { RunningService } from '../../src/service.ts';
import { callerOf, type Caller } from '../support/caller.ts';
import { migrateFor, query } from '../support/databases.ts';
import { placeOf, watchTransactions } from '../support/following.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { testService, type Json } from '../support/service.ts';
import { blocksOf, sectionOf } from '../support/shown.ts';
import { untilSo } from '../support/until.ts';
import { verified } from '../support/verifier.ts';

/**
 * The drill: a base backup, writes, a crash, and the database as of a moment between them, by the commands of
 * docs/operating.md. Then what each answer is that a caller still has, and how callers go on.
 */

const MINUTE = 60_000;
/** More than a start takes transaction ids for itself. */
const LOST = 60;
const page = sectionOf(readFileSync('docs/operating.md', 'utf8'), '## Backup and restore');
const blocks = blocksOf(page);
const of = (language: string): readonly string[] =>
  blocks.filter((block) => block.language === language).map(({ text }) => text);
const [archiving, recovery] = of('conf') as [string, string];
const [begin, label, runAhead] = of('sql') as [string, string, string];
const [copy, putBack] = of('sh') as [string, string];

const home = mkdtempSync(join(tmpdir(), 'restore-'));
chmodSync(home, 0o755);
const directory = (name: string) => join(home, name);
/** The page's directories are those of this test. */
const here = (text: string): string =>
  text.replaceAll(/\/(archive|backup|restored)\b/g, (_, name: string) =>
    name === 'restored' ? directory('again/postgres') : directory(name),
  );
const shell = async (script: string, env: Readonly<Record<string, string>> = {}) => {
  await promisify(execFile)('bash', ['-ec', here(script)], { env: { ...process.env, ...env } });
};

const dataDir = directory('first');
const pgdata = join(dataDir, 'postgres');
let postgres: EmbeddedPostgres;
let service: RunningService;
let caller: Caller;

const superuserOf = (cluster: string): Promise<pg.Client> =>
  connectAsSuperuser(findPostmaster(cluster)!, readPassword(cluster));

/** Of `caller`'s, under a key. */
const spend = (customerId: string, key: string): Promise<Json> =>
  caller.answer('ConsumeCredits', {
    ...spendRequest({ ...CREDIT_ONLY, customerId, amount: '1' }),
    idempotencyKey: key,
  });

/** Some transactions of the namespace's stream, or of a customer's, behind a cursor: where they stand, and the last cursor. */
async function follow(count: number, request: { cursor?: string; customerId?: string } = {}) {
  const stream = watchTransactions(service.url, request);
  try {
    const told = [];
    while (told.length < count) {
      const message = await stream.next();
      if (message.event.case === 'transaction') told.push(message);
    }
    return { told: told.map(placeOf), cursor: told.at(-1)!.cursor };
  } finally {
    stream.end();
  }
}
const refusedCursor = async (request: { cursor: string; customerId?: string }) => {
  const stream = watchTransactions(service.url, request);
  try {
    return await stream.next().catch((failure: unknown) => failure);
  } finally {
    stream.end();
  }
};

/** What was told before the moment, and after it. */
const known: {
  before?: Json;
  lost?: Json;
  cursor?: string;
  lostCursor?: string;
  lostCustomerCursor?: string;
  page?: string;
} = {};

beforeAll(async () => {
  // Whoever Postgres runs as copies its log there.
  mkdirSync(directory('archive'));
  chmodSync(directory('archive'), 0o777);
  await (await startEmbeddedPostgres({ dataDir })).stop();
  appendFileSync(join(pgdata, 'postgresql.conf'), here(archiving));
  postgres = await startEmbeddedPostgres({ dataDir });
  await migrateFor(postgres);
  service = await testService(postgres.url);
  caller = callerOf(service);
  for (let i = 0; i < 20; i += 1) await spend('ada', `before the backup ${i}`);

  const session = await superuserOf(pgdata);
  await session.query(begin);
  await spend('ada', 'while it is made');
  await shell(copy, { PGDATA: pgdata });
  const { rows } = await session.query<{ labelfile: string }>(label);
  writeFileSync(join(directory('backup'), 'backup_label'), rows[0]!.labelfile);

  known.before = await spend('ada', 'before the moment');
  ({ cursor: known.cursor } = await follow(22));
  const [{ moment }] = (await session.query<{ moment: string }>('select clock_timestamp()::text as moment'))
    .rows as [{ moment: string }];
  // The moment is told to the microsecond; what comes now comes later.
  for (let i = 0; i < LOST; i += 1) known.lost = await spend('ada', `lost ${i}`);
  await spend('grace', 'lost, too');
  ({ cursor: known.lostCursor } = await follow(22 + LOST + 1));
  ({ cursor: known.lostCustomerCursor } = await follow(22 + LOST, { customerId: 'ada' }));
  known.page = (await caller.answer('ListTransactions', { customerId: 'ada', pageSize: 5 }))['nextPageToken'];
  // As archive_timeout does when its minute has passed.
  await session.query('select pg_switch_wal()');
  await untilArchived(session);
  await session.end();

  await service.stop();
  process.kill(findPostmaster(pgdata)!.pid, 'SIGKILL');
  await postgres.stop();

  await shell(putBack);
  const restored = directory('again/postgres');
  chmodSync(restored, 0o700);
  appendFileSync(
    join(restored, 'postgresql.conf'),
    here(recovery).replace(/recovery_target_time = .*/, `recovery_target_time = '${moment}'`),
  );
  postgres = await startEmbeddedPostgres({ dataDir: directory('again') });
}, 5 * MINUTE);

afterAll(async () => {
  await service?.stop();
  await postgres?.stop();
  rmSync(home, { recursive: true, force: true });
}, MINUTE);

/** What has been closed of the log is where it is kept. */
const untilArchived = (session: pg.Client) =>
  untilSo('the log is archived', async () => {
    const { rows } = await session.query<{ kept: boolean }>(
      `select coalesce(last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1), false) as kept from pg_stat_archiver`,
    );
    return rows[0]!.kept;
  });

const start = async () => {
  service = await testService(postgres.url);
  caller = callerOf(service);
};

describe('restored to a moment', () => {
  test('every book is sound, and ends with the last write before it', async () => {
    expect(await migrateFor(postgres)).toEqual([]);
    await start();
    const { findings, summary } = await verified(service.url, {});

    expect(findings).toEqual([]);
    expect(summary.verdict).toBe(VerifyVerdict.SOUND);
    expect(await caller.answer('GetBalance', { customerId: 'ada' })).toMatchObject({
      version: known.before!['version'],
    });
    expect((await caller.answer('GetBalance', { customerId: 'grace' }))['version']).toBeUndefined();
  });

  test('a version of after it is waited for, and not there', async () => {
    const minVersion = known.lost!['version'];

    expect(await caller.refusal('GetBalance', { customerId: 'ada', minVersion })).toMatchObject({
      reason: 'NOT_CAUGHT_UP',
    });
  });

  test('an id of after it names nothing', async () => {
    const chargeId = known.lost!['charge'].id;

    expect(await caller.refusal('GetCharge', { customerId: 'ada', chargeId })).toMatchObject({
      reason: 'CHARGE_NOT_FOUND',
    });
  });

  test('a page token of after it shows what is there', async () => {
    const versions: string[] = [];
    for (let pageToken = known.page; pageToken !== undefined;) {
      const found = await caller.answer('ListTransactions', { customerId: 'ada', pageSize: 5, pageToken });
      versions.push(...(found['transactions'] ?? []).map(({ version }: Json) => version));
      pageToken = found['nextPageToken'];
    }

    expect(versions).toEqual(Array.from({ length: 17 }, (_, i) => String(6 + i)));
  });

  test('cursors of after it are refused, those of before it are good', async () => {
    const ahead = expect.objectContaining({
      message: expect.stringMatching(/ahead of the database.*restored/),
    });

    expect(await refusedCursor({ cursor: known.lostCursor! })).toEqual(ahead);
    expect(await refusedCursor({ customerId: 'ada', cursor: known.lostCustomerCursor! })).toEqual(ahead);
  });

  test('with ids run ahead, whoever follows from after it misses nothing that is written from now on', async () => {
    await service.stop();
    await query(postgres.url, runAhead.replace('10000000', '20000'));
    await start();
    await spend('grace', 'new');

    expect((await follow(1, { cursor: known.lostCursor! })).told).toEqual(['grace 1.1']);
    expect((await follow(1, { cursor: known.cursor! })).told).toEqual(['grace 1.1']);
  });

  test('callers repeat what they have sent since, under its keys, and go on', async () => {
    expect(await spend('ada', 'before the moment')).toEqual({ ...known.before, replayed: true });
    const repeated = [];
    for (let i = 0; i < LOST; i += 1) repeated.push(await spend('ada', `lost ${i}`));
    await spend('grace', 'lost, too');
    const next = await spend('ada', 'next');

    expect(repeated.at(-1)).toMatchObject({
      version: known.lost!['version'],
      balance: { settled: known.lost!['balance'].settled },
    });
    expect(repeated.at(-1)!['replayed']).toBeUndefined();
    expect(repeated.at(-1)!['charge'].id).not.toBe(known.lost!['charge'].id);
    expect(Number(next['version'])).toBe(Number(known.lost!['version']) + 1);
    expect((await follow(LOST + 3, { cursor: known.cursor! })).told).toContain(`ada ${next['version']}.1`);
    const { findings } = await verified(service.url, {});
    expect(findings).toEqual([]);
  });

  test('the roles are as they were', async () => {
    await expect(query(postgres.url, 'delete from entries')).rejects.toThrow('permission denied');
  });
});
