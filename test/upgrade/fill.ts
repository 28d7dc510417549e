import { day } from '../support/builders.ts';
import type { Caller } from '../support/caller.ts';
import type { TestClock } from '../support/clock.ts';
import { at, grantRequest, spendRequest } from '../support/requests.ts';
import type { CallResult } from '../support/service.ts';
import type { Sql } from '../support/sql.ts';
import type { World } from '../support/world.ts';
import type * as RunModule from '../conformance/run.ts';
import type * as ScenarioModule from '../conformance/scenario.ts';
import type * as CallerModule from '../support/caller.ts';
import type * as PlayedModule from '../support/played.ts';
import type * as ServiceModule from '../support/service.ts';
import type * as TransactionsHistoryModule from '../support/transactions-history.ts';
import type * as VerifyStoryModule from '../support/verify-story.ts';

/** A service of the release before, over its database. */
export type Past = {
  readonly url: string;
  readonly databaseUrl: string;
  readonly time: TestClock;
  readonly call: (url: string, method: string, request: object) => Promise<CallResult>;
  readonly sql: Sql;
};

export type Of = <Module>(path: string) => Promise<Module>;

/** A write that was done under a key. */
export type Keyed = { readonly method: string; readonly request: object };

/** Lives what there is to live, as that release knows it; every write that was done under a key, to be sent again. */
export async function live(past: Past, of: Of): Promise<readonly Keyed[]> {
  const { time, url } = past;
  const keyed: Keyed[] = [];
  const caller = keyedCaller(past, await of('test/support/caller.ts'), keyed);
  await playScenarios(past, of);

  const { everything } = await of<typeof VerifyStoryModule>('test/support/verify-story.ts');
  await everything({ caller, time, url } as World, 'story');
  const { longHistories, playThrough } = await of<typeof PlayedModule>('test/support/played.ts');
  for (const [i, steps] of longHistories(3, 20_261_129).entries()) {
    time.now = day(1);
    await playThrough(caller, time, steps, `history ${i}`);
  }
  const histories = await of<typeof TransactionsHistoryModule>('test/support/transactions-history.ts');
  for (const [i, steps] of histories.histories(2, 60, 20_261_129).entries()) {
    time.now = day(1);
    await histories.live(caller, time, steps, `told late ${i}`);
  }
  await underKeys(past, keyed);
  await toldLate(past);
  await fallsDue(past, of, caller);
  return keyed;
}

/** Each in a namespace of its own. */
async function playScenarios({ url, time }: Past, of: Of): Promise<void> {
  const { play } = await of<typeof RunModule>('test/conformance/run.ts');
  const { scenarios } = await of<typeof ScenarioModule>('test/conformance/scenario.ts');
  const t0 = Date.UTC(2026, 0, 1);
  for (const scenario of scenarios) {
    time.now = t0;
    const moveTo = (instant: number | undefined) => (time.now = Math.max(time.now + 1, instant ?? 0));
    const wrong = await play(scenario, { urls: [url], t0, moveTo });
    if (wrong.length > 0) throw new Error(`${scenario.id}: ${wrong.join('; ')}`);
  }
}

const WRITE = /^(?:Create|Void|Reschedule|Update|Collect|Correct|Cancel|Consume|Post|Reverse|Recognize)/;

/** A caller who sends two of three writes under a key, those that change nothing too. */
function keyedCaller({ url }: Past, { callerOf }: typeof CallerModule, keyed: Keyed[]): Caller {
  const plain = callerOf({ url });
  let sent = 0;
  const result: Caller['result'] = async (rpc, request) => {
    if (!WRITE.test(rpc) || (sent += 1) % 3 === 0) return plain.result(rpc, request);
    const asked = { ...request, idempotencyKey: `key ${sent}` };
    const outcome = await plain.result(rpc, asked);
    if (outcome.ok) keyed.push({ method: methodOf(rpc), request: asked });
    return outcome;
  };
  return {
    ...plain,
    result,
    async answer(rpc, request) {
      const outcome = await result(rpc, request);
      if (outcome.ok) return outcome.answer;
      throw new Error(`${rpc} was refused: ${outcome.error.message}`);
    },
  };
}

const LEDGER = new Set(['PostTransaction', 'ReverseTransaction', 'RecognizeRevenue']);
const methodOf = (rpc: string): string =>
  `${LEDGER.has(rpc) ? 'ledger.v1.LedgerService' : 'credit.v1.CreditService'}/${rpc}`;

/** Batches in which some have a key, keys of successes that change nothing, currencies. */
async function underKeys({ url, time, call }: Past, keyed: Keyed[]): Promise<void> {
  time.now = day(20);
  const write = async (method: string, request: object) => {
    time.now += 1_000;
    const outcome = await call(url, method, request);
    if (!outcome.ok) throw new Error(`${method}: ${outcome.error.message}`);
    if ('idempotencyKey' in request) keyed.push({ method, request });
    return outcome.answer;
  };
  const credit = (rpc: string, request: object) => write(`credit.v1.CreditService/${rpc}`, request);
  const customerId = 'keys';
  await credit('CreateCurrency', { code: 'TOKENS', name: 'Tokens', precision: 3, idempotencyKey: 'unit' });
  await credit('CreateCurrency', { code: 'POINTS', name: 'Points' });
  const requests = [{ idempotencyKey: 'one' }, {}, { idempotencyKey: 'three', currency: 'TOKENS' }];
  const grants = requests.map((given) => ({ ...grantRequest(given), customerId }));
  const made = await credit('BatchCreateGrants', { requests: grants });
  const spends = requests.map((given) => ({ ...spendRequest(given), customerId }));
  await credit('BatchConsumeCredits', {
    requests: spends.map((spend, i) =>
      'idempotencyKey' in spend ? { ...spend, idempotencyKey: `s${i}` } : spend,
    ),
  });
  const grantId = made['results'][1].grant.id;
  await credit('VoidGrant', { customerId, grantId, idempotencyKey: 'void' });
  await credit('VoidGrant', { customerId, grantId, idempotencyKey: 'void again' });
  await credit('VoidGrant', { customerId, grantId });
}

/** So many late facts in one book that they are summed up by blocks of versions. */
async function toldLate({ url, time, call, sql }: Past): Promise<void> {
  const customerId = 'usage';
  time.now = day(10);
  for (let told = 0; told < LATE; told += LATE / 4) {
    const requests = Array.from({ length: LATE / 4 }, (_, i) =>
      spendRequest({
        customerId,
        amount: String(1 + (i % 3)),
        settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY',
        bookedAt: at(day(2) + ((told + i) % 37) * 3_600_000),
      }),
    );
    time.now += 60_000;
    await call(url, 'credit.v1.CreditService/BatchConsumeCredits', { requests });
  }
  const [sums] = await sql.rows<{ count: bigint }>('select count(*) from late_sums');
  if (Number(sums!.count) === 0) throw new Error('none of the late facts are summed up');
}

const LATE = 160;

/** The due-booker books what has fallen due in a book that nobody writes to. */
async function fallsDue({ databaseUrl, time, sql }: Past, of: Of, caller: Caller): Promise<void> {
  time.now = day(21);
  const customerId = 'due';
  await caller.answer(
    'ConsumeCredits',
    spendRequest({ customerId, settlementMode: 'SETTLEMENT_MODE_CREDIT_ONLY' }),
  );
  const given = { customerId, effectiveAt: at(day(22)), expiresAt: at(day(23)) };
  await caller.answer('CreateGrant', grantRequest(given));
  time.now = day(24);
  const { testService } = await of<typeof ServiceModule>('test/support/service.ts');
  const booker = await testService(databaseUrl, { clock: time.clock, dueBooker: true });
  const isDue = async () =>
    (await sql.rows(`select from books where next_event_at <= $1`, [at(time.now)])).length > 0;
  while (await isDue()) {
    time.pass(10_000);
    await new Promise((turn) => setTimeout(turn, 50));
  }
  await time.until(booker.stop());
}
