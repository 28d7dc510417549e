import { describe, expect, test } from 'vitest';
import { runJob } from '../../bench/load/run-job.ts';
import type { Job } from '../../bench/load/job.ts';
import { collectionsIn } from '../../bench/support/heap.ts';
import { isMet, type Row } from '../../bench/support/figure.ts';
import { agreement, interleave, ratioOf } from '../../bench/support/rounds.ts';
import { createSamples, percentile } from '../../bench/support/samples.ts';

/** A figure is worth what measures it. */

describe('percentiles', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

  test.each([
    [0.5, 50],
    [0.99, 99],
    [0.999, 100],
    [1, 100],
  ])('the share %f of 1 to 100 is %f, exactly', (share, expected) => {
    expect(percentile(hundred, share)).toBe(expected);
  });

  test('keep every sample, however many', () => {
    const samples = createSamples();
    for (let i = 1; i <= 10_000; i += 1) samples.add(i);

    expect(samples.values()).toHaveLength(10_000);
    expect(percentile(samples.values(), 0.999)).toBe(9_990);
  });

  test('of nothing are nothing', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('collections of garbage', () => {
  test('are read from a log with other lines between', () => {
    const log = [
      '[1:0x1]  266 ms: pause=17.1 mutator=223.4 gc=s reduce_memory=0 allocated=5163576 promoted=180680 x=0',
      '{"level":"info","msg":"answered gc=s allocated=1"}',
      '[1:0x1]  462 ms: pause=51.5 mutator=49.7 gc=mc reduce_memory=0 allocated=3404192 promoted=0 x=0',
    ];

    expect(collectionsIn(log.join('\n'))).toEqual([
      { full: false, pauseMs: 17.1, allocated: 5_163_576, promoted: 180_680 },
      { full: true, pauseMs: 51.5, allocated: 3_404_192, promoted: 0 },
    ]);
  });
});

describe('rounds', () => {
  test('take turns, in every other one the other way round, and compare within a round', async () => {
    const order: string[] = [];
    const side = (name: string, speeds: readonly number[]) => {
      const left = [...speeds];
      return { name, round: async () => (order.push(name), left.shift()!) };
    };
    // The machine was half as fast in the second round, for both.
    const rounds = await interleave([side('a', [100, 50, 90]), side('b', [10, 5, 10])], 3);

    expect(order.join('')).toBe('abbaab');
    expect(ratioOf(rounds, 'a', 'b')).toBe(10);
    expect(agreement(rounds, 'a', 'b')).toBe('3 interleaved rounds, ratios 9.00 to 10.00');
  });
});

describe('a stall of a tenth of a second', () => {
  const STALL_MS = 100;

  /** The first call holds everybody up, as a long pause of a server does. */
  async function latenciesUnder(pace: Job['pace']): Promise<Float64Array> {
    let isFirst = true;
    const perform = async () => {
      const until = isFirst ? performance.now() + STALL_MS : 0;
      isFirst = false;
      while (performance.now() < until);
      // A call takes at least a turn of the loop.
      await new Promise(setImmediate);
      return { done: 1, refused: [] };
    };
    const caller = { next: () => ({ series: 'call', perform }), close: () => Promise.resolve() };
    const calls = { kind: 'spend', servers: [], customers: 1 } as const;
    const job = { calls, pace, warmUpSeconds: 0, seconds: 0.3, connections: 1, deadlineMs: 1_000 };
    return (await runJob(job, caller)).latencies['call']!;
  }

  const slow = (latencies: Float64Array) => latencies.filter((ms) => ms > STALL_MS / 2).length;

  test('is felt by every call that was due in it, in an open loop', async () => {
    expect(slow(await latenciesUnder({ kind: 'open', perSecond: 1_000 }))).toBeGreaterThanOrEqual(
      STALL_MS / 2 - 1,
    );
  });

  test('hides behind the one call that met it, in a closed loop: so latency is not taken with one', async () => {
    expect(slow(await latenciesUnder({ kind: 'closed', inFlight: 1 }))).toBeLessThan(STALL_MS / 4);
  });
});

test('a goal is met by the ratio, or by the figure itself where there is none; what never came meets nothing', () => {
  const side = (value: number) => ({ what: 'it', value, unit: 'ms' });
  const row = (more: Partial<Row>): Row => ({
    measured: 'it',
    ours: side(5),
    other: null,
    ratio: null,
    goal: null,
    conditions: '',
    ...more,
  });

  expect(isMet(row({}))).toBe(null);
  expect(isMet(row({ goal: { bound: 'at most', value: 5 } }))).toBe(true);
  expect(isMet(row({ goal: { bound: 'at least', value: 6 } }))).toBe(false);
  expect(isMet(row({ goal: { bound: 'at least', value: 2 }, ratio: 3 }))).toBe(true);
  expect(isMet(row({ goal: { bound: 'at most', value: 5 }, ours: side(Infinity) }))).toBe(false);
  expect(isMet(row({ goal: { bound: 'at most', value: 5 }, ours: side(Number.NaN) }))).toBe(false);
});
