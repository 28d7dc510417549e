import { parseArgs } from 'node:util';
import { bringUpDatabase, configOrExit } from './bring-up.ts';
import { aloneIn } from './db/alone.ts';
import { databaseTime } from './db/clock.ts';
import { connect } from './db/database.ts';
import { explainDatabase } from './db/reach.ts';
import { formatInstant, type Instant } from './instant.ts';
import { createLog } from './log.ts';
import { StartError } from './start-error.ts';
import { allowedToForget, forgetKeys } from './write/forget-keys.ts';

/**
 * `npm run forget-keys -- --older-than 2026-01-01T00:00:00Z [--batch 1000]`: forgets what was asked and answered under
 * idempotency keys before an instant, as the owner of the database (docs/operating.md, "Forgetting keys"). A repeat of such a
 * key is a new write.
 */

/** Any number but that of the migrations. */
const LOCK_KEY = 848_402;

/** Callers repeat what they are in doubt about within hours: nobody forgets what may be repeated still. */
const YOUNGEST_MS = 24 * 3_600_000;

const config = configOrExit();
const log = createLog(config.logLevel);
try {
  const { olderThan, batch } = readArguments();
  const hand = await bringUpDatabase(config, log);
  const owner = hand.owner ?? hand.service;
  try {
    await forget(owner.url, olderThan, batch).catch((error: unknown) => {
      throw explainDatabase(error, owner);
    });
  } finally {
    await hand.release();
  }
} catch (err) {
  if (err instanceof StartError) log.fatal(`nothing is forgotten: ${err.message}`);
  else
    log.fatal(
      { err },
      'forgetting keys has ended early; what was forgotten stays so, run it again for the rest',
    );
  process.exitCode = 1;
}

async function forget(url: string, olderThan: Instant, batch: number): Promise<void> {
  // One for the pages, and one that may wait for it to come free.
  const database = connect({ url, poolSize: 2 });
  const busy = 'somebody else is forgetting keys in this database just now.';
  try {
    const latest = (await databaseTime(database)) - YOUNGEST_MS;
    if (olderThan > latest) {
      throw new StartError(
        `--older-than may be ${formatInstant(latest)} at the latest, a day ago: a key that is forgotten while its caller still ` +
          'repeats it is written twice.',
      );
    }
    await aloneIn(url, { key: LOCK_KEY, waitMs: 1_000, busy }, () =>
      allowedToForget(database, async () => {
        let told = { shards: 0, forgotten: 0 };
        const forgotten = await forgetKeys({
          database,
          olderThan,
          batch,
          onStep(step) {
            if (step.shards === told.shards || step.forgotten === told.forgotten) return;
            log.info(step, 'forgetting keys');
            told = step;
          },
        });
        log.info({ olderThan: formatInstant(olderThan), forgotten }, 'the keys are forgotten');
      }),
    );
  } finally {
    await database.close();
  }
}

function readArguments(): { olderThan: Instant; batch: number } {
  const usage = 'npm run forget-keys -- --older-than 2026-01-01T00:00:00Z [--batch 1000]';
  try {
    const options = { 'older-than': { type: 'string' }, batch: { type: 'string', default: '1000' } } as const;
    const { values } = parseArgs({ options });
    const text = values['older-than'] ?? '';
    const olderThan = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
    const batch = /^\d{1,5}$/.test(values.batch) ? Number(values.batch) : 0;
    if (Number.isNaN(olderThan)) throw new Error('--older-than is to be an instant in UTC, to the second');
    if (batch < 1 || batch > 10_000) throw new Error('--batch is to be from 1 to 10000');
    return { olderThan, batch };
  } catch (error) {
    throw new StartError(`${(error as Error).message}: ${usage}`);
  }
}
