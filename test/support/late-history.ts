import { makeBooks } from '../../src/tables/books.ts';
import { commitBatch } from '../../src/write/commit.ts';
import { createBookCache } from '../../src/book/book-cache.ts';
import type { Submission } from '../../src/write/submission.ts';
import type { Command } from '../../src/credit/command.ts';
import { connect } from '../../src/db/database.ts';
import { idOf, uuidMaker } from '../../src/id.ts';
import type { Instant } from '../../src/instant.ts';
import { aConsumption, aGrant, until } from './builders.ts';
import { aSubmission } from './submissions.ts';

const MINUTE = 60_000;
const BATCH = 150;

/**
 * Lets a customer live through so many commands, one a minute, most of them told late, by up to some days: grants that
 * expire, are back-dated or lie ahead, and charges that go on without credit. Straight into the write path, because it
 * takes more versions than a large block of late sums has. Gives when the last was recorded.
 */
export async function liveLate(
  databaseUrl: string,
  customerId: string,
  { from, commands, seed }: { readonly from: Instant; readonly commands: number; readonly seed: number },
): Promise<Instant> {
  const database = connect({ url: databaseUrl, poolSize: 2 });
  const random = randomFrom(seed);
  let now = from;
  const uuids = uuidMaker(() => now);
  const deps = { database, uuids, kept: createBookCache(100_000), leewayMs: 0 };
  try {
    await makeBooks(database, [{ namespace: 'default', customerId }], uuids);
    for (let done = 0; done < commands; done += BATCH) {
      const steps = Array.from({ length: Math.min(BATCH, commands - done) }, (_, i) => {
        const at = from + (done + i) * MINUTE;
        return { at, command: anyCommand(random, at, uuids) };
      });
      const instants = steps.map(({ at }) => at);
      await commitBatch(
        { ...deps, clock: { reads: () => (now = instants.shift() ?? now) } },
        steps.map(({ command }) => aSubmission({ command, customerId }) as Submission),
      );
    }
  } finally {
    await database.close();
  }
  return now;
}

function anyCommand(random: (below: number) => number, now: Instant, uuids: () => string): Command {
  const late = [0, 0, random(10), random(10), random(600), random(600), random(6_000)][random(7)]! * MINUTE;
  const of = { currency: ['USD', 'USD', 'EUR'][random(3)]!, precision: 2, amount: String(1 + random(5)) };
  if (random(6) > 0) {
    const mode = (['CREDIT_ONLY', 'CREDIT_THEN_INVOICE'] as const)[random(2)]!;
    const featureKey = [null, 'a', 'b'][random(3)]!;
    return aConsumption({ ...of, chargeId: idOf('chg', uuids()), mode, featureKey, bookedAt: now - late });
  }
  const effectiveAt = random(5) === 0 ? now + random(600) * MINUTE : now - late;
  const lasts = (1 + random(3_000)) * MINUTE;
  return aGrant({
    ...of,
    amount: String(5 + random(30)),
    grantId: idOf('grt', uuids()),
    effectiveAt,
    featureKeys: [[], ['a'], ['a', 'b']][random(3)]!,
    ...(random(3) > 0 && { expiry: until(effectiveAt + lasts) }),
  });
}

/** Whole numbers below a bound, the same for the same seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
