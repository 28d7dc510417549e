/**
 * Faults at random, at length, over two instances that are written to and watched: what is lost, doubled or wrong in the
 * end, and how long anybody waited by kind of fault.
 *
 *   node bench/faults.ts --faults 1000 --seed 1
 *   node bench/faults.ts --faults 20 --kind 'a book is locked' --kind 'an instance is frozen'
 *
 * SIGINT ends it early, with what there is. Postgres is one of its own under .data/faults-…, as durable as `npm start` has it, and is killed, too. Ends with 1
 * where anything is lost, doubled or wrong.
 */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { monotonic } from '../src/db/clock.ts';
import { migrateFor } from '../test/support/databases.ts';
import { hasOwner } from '../test/support/sql.ts';
import { findPostmaster } from '../src/embedded/postmaster.ts';
import { startEmbeddedPostgres } from '../src/embedded/start.ts';
import { FAULTS, type FaultKind } from '../test/support/faults/kinds.ts';
import { runFaults } from '../test/support/faults/run.ts';

const { values: given } = parseArgs({
  options: {
    faults: { type: 'string', default: '1000' },
    /** Draws the faults; what a run finds is found again by its seed. */
    seed: { type: 'string', default: '1' },
    /** Only of these kinds; may be given more than once. */
    kind: { type: 'string', multiple: true, default: Object.keys(FAULTS) },
    /** Between two requests of one of the eight writers. */
    'think-ms': { type: 'string', default: '50' },
  },
});
const kinds = given.kind.map((kind) => {
  if (!Object.hasOwn(FAULTS, kind)) throw new Error(`no kind of fault is called "${kind}"`);
  return kind as FaultKind;
});

mkdirSync('.data', { recursive: true });
const dataDir = realpathSync(mkdtempSync('.data/faults-'));
chmodSync(dataDir, 0o755);
let up = Promise.withResolvers<void>();
const postgres = await startEmbeddedPostgres({
  dataDir,
  onTrouble: {
    down: () => undefined,
    up: () => up.resolve(),
    givenUp: (error) => up.reject(error),
  },
});
const early = new AbortController();
process.once('SIGINT', () => early.abort());
let begun = 0;
try {
  await migrateFor(postgres);
  hasOwner(postgres);
  const began = monotonic();
  const seconds = () => `${((monotonic() - began) / 1000).toFixed(0)} s`;
  const report = await runFaults({
    databaseUrl: postgres.url,
    faults: Number(given.faults),
    seed: Number(given.seed),
    kinds,
    longOneIn: 40,
    customers: 50,
    writers: 8,
    thinkMs: Number(given['think-ms']),
    async restartPostgres() {
      up = Promise.withResolvers();
      process.kill(findPostmaster(join(dataDir, 'postgres'))!.pid, 'SIGKILL');
      await up.promise;
    },
    signal: early.signal,
    onFault: ({ kind }) => console.log(`${seconds()}: fault ${(begun += 1)}, ${kind}`),
  });
  const { acknowledged, repeated, outcomes, byKind, lost, doubled, wrong, audit, verify } = report;
  console.log(`\n${begun} faults in ${seconds()}, seed ${given.seed}`);
  console.log(`acknowledged ${acknowledged}, unknown ${outcomes['unknown'] ?? 0}, repeated ${repeated}`);
  for (const [outcome, times] of Object.entries(outcomes)) console.log(`  attempts ${outcome}: ${times}`);
  for (const [kind, { faults, longestMs }] of Object.entries(byKind)) {
    console.log(`  ${kind}: ${faults} faults, the longest wait ${longestMs} ms`);
  }
  console.log(`lost=${lost} doubled=${doubled} wrong=${wrong}`);
  console.log(`audit: ${audit.length} findings; Verify: ${verify.length} findings`);
  for (const finding of [...audit, ...verify]) console.log(finding);
  if (lost + doubled + wrong + audit.length + verify.length > 0) process.exitCode = 1;
} finally {
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
// Those who followed keep their connections for a while.
process.exit();
