import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { ExclusionReason } from '#gen/credit/v1/explain_pb.ts';
import { FindingKind } from '#gen/ledger/v1/verify_pb.ts';
import { allowDamage } from './support/damage.ts';
import { grpcurl, hasCurl, shellFor } from './support/pages.ts';
import { testDatabase } from './support/postgres.ts';
import { printedTable } from './support/printed-table.ts';
import { blocksOf, createComparison, sectionOf, type Block } from './support/shown.ts';
import { openSql } from './support/sql.ts';
import { testWorld, type World } from './support/world.ts';
import { HANGS_AFTER_MS, untilSo } from './support/until.ts';
import { untilSomebodyWaits } from './support/lock-waits.ts';

/** Every command of `docs/on-call.md` prints what the page shows below it, by grpcurl and by curl. */

const page = readFileSync('docs/on-call.md', 'utf8');
const SCENE = '## The books of this page';
const [byGrpcurl, byCurl] = blocksOf(sectionOf(page, '## Before you begin'));
const scene = blocksOf(sectionOf(page, SCENE));
const blocks = blocksOf(page.slice(0, page.indexOf(SCENE))).slice(2);
const isCommand = ({ language }: Block): boolean => language === 'sh' || language === 'sql';
const steps = blocks.flatMap((command, i) =>
  isCommand(command) ? [{ command, output: blocks[i + 1] }] : [],
);

if (grpcurl === undefined)
  console.log('GRPCURL names no binary: the commands of docs/on-call.md are run by a stand-in.');

test('below every command stands what it prints', () => {
  expect(steps.length).toBeGreaterThan(30);
  expect(steps.map(({ output }) => output?.language)).not.toContain(undefined);
  expect(steps.filter(({ output }) => isCommand(output!))).toEqual([]);
});

test('every reason to add nothing, every finding and every setting named is what there is', () => {
  const prose = page.replaceAll(/^```[^]*?^```$/gm, '');
  const names = Object.keys({ ...ExclusionReason, ...FindingKind }).filter((name) => /^[A-Z_]+$/.test(name));
  const told = new Set([...prose.matchAll(/`([A-Z_]+)`/g)].map((found) => found[1]!));
  expect(names.filter((name) => name !== 'UNSPECIFIED' && !told.has(name))).toEqual([]);

  const settings = readFileSync('docs/operating.md', 'utf8');
  expect(
    [...told].filter((name) => name.startsWith('CREDIT_LEDGER_') && !settings.includes(`\`${name}\``)),
  ).toEqual([]);
});

// Refusals are shown as grpcurl prints them, and streams are for it alone.
const forCurl = steps.filter(
  ({ command, output }) => output!.language === 'json' && !command.words.includes('grpcurl'),
);

const migratedByNewer = await testDatabase();
beforeAll(async () => {
  const sql = await openSql(migratedByNewer.url);
  await sql.rows(
    `insert into knex_migrations (name, batch, migration_time) values ('20990101000000_split_book.ts', 9, now())`,
  );
  await sql.end();
});

for (const [name, definitions, told, available] of [
  ['grpcurl', byGrpcurl!, steps, true],
  ['curl', byCurl!, forCurl, hasCurl],
] as const) {
  const world = await testWorld();
  describe.skipIf(!available)(`by ${name}`, () => {
    const { compare, asked } = createComparison('exact');
    const shell = shellFor(portOf(world));
    beforeAll(() => setTheScene(world, (command) => shell(`${definitions.text}\n${command}`)));

    test.each(told.map(({ command, output }) => [command.text.slice(0, 110), command, output] as const))(
      '%s',
      async (_, command, output) => {
        const text = asked(command.text);
        const printed = await under(command.words, world, (service, environment) =>
          command.language === 'sql'
            ? printedTable(world.ownerUrl, text)
            : shellFor(service, environment)(`${definitions.text}\n${text}`),
        );
        const compared = compare(command.language === 'sql' ? withoutRule(output!) : output!, printed);
        expect(compared.printed).toEqual(compared.shown);
      },
    );
  });
}

/** Without the line that psql draws below the names of the columns. */
const withoutRule = (output: Block): Block => ({ ...output, text: output.text.replace(/^[-+]+\n/m, '') });

/** The books of the page, written at its instants; and one row that somebody has changed who must not. */
async function setTheScene({ time, sql }: World, run: (command: string) => Promise<string>): Promise<void> {
  for (const { words, text } of scene) {
    time.now = Date.parse(words[0]!.slice('at='.length));
    expect(await run(text)).not.toMatch(/error|"code"/i);
  }
  await allowDamage(sql);
  const changed = await sql.rows(`update entries set running_total = running_total + 1
    where position = 1 and book_id = (select id from books where customer_id = 'eve') returning 1`);
  expect(changed).toHaveLength(1);
}

type Port = { readonly port: number };
type Work = (service: Port, environment?: Readonly<Record<string, string>>) => Promise<string>;

/** Does the work while what the words behind a command's fence say is so. */
function under(words: readonly string[], world: World, work: Work): Promise<string> {
  if (words.includes('down')) return withoutDatabase(world, () => work(portOf(world)));
  if (words.includes('full')) return whileFull(world, work);
  return work(portOf(world), words.includes('newer') ? { DATABASE_URL: migratedByNewer.url } : {});
}

const portOf = ({ url }: { readonly url: string }): Port => ({ port: Number(new URL(url).port) });

/** Nobody gets a connection, and nobody keeps one but this test. */
async function withoutDatabase(world: World, work: () => Promise<string>): Promise<string> {
  const { sql } = world;
  const [database] = await sql.rows<{ name: string }>('select current_database() as name');
  const name = database!.name;
  await sql.rows(`alter database "${name}" connection limit 0`);
  await sql.rows(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
  try {
    await untilReadinessIs(503, world);
    return await work();
  } finally {
    await sql.rows(`alter database "${name}" connection limit -1`);
    await untilReadinessIs(200, world);
  }
}

/** Time passes, but no instant comes. */
const untilReadinessIs = (status: number, { url, time }: World) =>
  untilSo('the instance has noticed', async () => {
    time.pass(1_000);
    return (await fetch(`${url}/readyz`)).status === status;
  });

/** An instance with a short queue, which is full because somebody holds a lock on the books. */
async function whileFull(world: World, work: Work): Promise<string> {
  // Whoever has it waits until the page has been tried.
  const limits = { lockTimeoutMs: HANGS_AFTER_MS, statementTimeoutMs: HANGS_AFTER_MS };
  const small = await world.another({ lanes: 1, queueLimit: 1, limits });
  const holder = await openSql(world.databaseUrl);
  await holder.rows('begin');
  await holder.rows('lock table books in exclusive mode');
  const grant = { customer_id: 'carl', name: 'Waits', currency: 'USD', amount: '1' };
  const write = () => small.result('CreateGrant', grant);
  const first = write();
  await untilSomebodyWaits(world.databaseUrl);
  const next = [write(), write()];
  // One of them waits; the other, for which there is no room, is the only one that hears anything.
  expect(await Promise.race([first, ...next])).toMatchObject({ ok: false, error: { reason: 'OVERLOADED' } });
  try {
    return await work(portOf(small));
  } finally {
    await holder.end();
    await Promise.all([first, ...next]);
  }
}
