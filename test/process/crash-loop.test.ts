import { expect, test } from 'vitest';
import { runFaults } from '../support/faults/run.ts';
import { testDatabase } from '../support/postgres.ts';

/**
 * Two instances are killed, frozen and cut off at random while callers write with keys and repeat: nothing that was
 * acknowledged is lost, nothing is done twice, and the books are sound. `node bench/faults.ts` does the same at length.
 */

const { url } = await testDatabase();
const FAULTS = 40;
/** Another one each time: what it finds once has to be found again by it. */
const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);

test(`${FAULTS} faults at random (FAULT_SEED=${seed}) lose nothing, and double nothing`, async () => {
  const report = await runFaults({
    databaseUrl: url,
    faults: FAULTS,
    seed,
    longOneIn: 0,
    kinds: [
      'an instance is killed',
      'an instance is frozen',
      'callers cut off',
      'database connections cut',
      'sessions are ended',
      'stands before a commit',
      'stands behind a commit',
      'a request stops in the middle',
      'statements stop in the middle',
    ],
    customers: 12,
    writers: 6,
    thinkMs: 0,
  });

  expect(report).toMatchObject({ lost: 0, doubled: 0, wrong: 0, audit: [], verify: [] });
  expect(report.acknowledged).toBeGreaterThan(FAULTS);
});
