import { describe, expect, it } from 'vitest';
import { addDuration } from '../../src/credit/duration.ts';

describe('a calendar duration', () => {
  it.each([
    ['2026-01-31T12:00:00.000Z', 'P1M', '2026-02-28T12:00:00.000Z', 'cuts the day to the last of the month'],
    ['2028-01-31T12:00:00.000Z', 'P1M', '2028-02-29T12:00:00.000Z', 'knows leap years'],
    ['2100-01-31T00:00:00.000Z', 'P1M', '2100-02-28T00:00:00.000Z', 'knows the centuries that are none'],
    ['2028-02-29T00:00:00.000Z', 'P1Y', '2029-02-28T00:00:00.000Z', 'cuts 29 February'],
    ['2028-02-29T00:00:00.000Z', 'P4Y', '2032-02-29T00:00:00.000Z', 'keeps 29 February where there is one'],
    ['2026-03-31T00:00:00.000Z', 'P1M', '2026-04-30T00:00:00.000Z', 'cuts 31 to 30'],
    ['2026-12-31T23:59:59.999Z', 'P2M', '2027-02-28T23:59:59.999Z', 'crosses the year'],
    ['2026-01-31T00:00:00.000Z', 'P1M1D', '2026-03-01T00:00:00.000Z', 'adds days after months'],
    ['2026-01-31T00:00:00.000Z', 'P1Y1M', '2027-02-28T00:00:00.000Z', 'adds years and months at once'],
    ['2026-01-01T00:00:00.000Z', 'P1W', '2026-01-08T00:00:00.000Z', 'counts weeks'],
    ['2026-01-01T00:00:00.000Z', 'P90D', '2026-04-01T00:00:00.000Z', 'counts days'],
    [
      '2026-03-29T00:30:00.000Z',
      'PT24H',
      '2026-03-30T00:30:00.000Z',
      'is in UTC, where every day has 24 hours',
    ],
    ['2026-01-01T00:00:00.000Z', 'PT1H30M', '2026-01-01T01:30:00.000Z', 'tells months from minutes'],
    ['2026-01-01T00:00:00.000Z', 'PT1M5S', '2026-01-01T00:01:05.000Z', 'counts seconds'],
    ['2026-01-01T00:00:00.000Z', 'PT0.5S', '2026-01-01T00:00:00.500Z', 'counts milliseconds'],
    ['2026-01-01T00:00:00.000Z', 'P0D', '2026-01-01T00:00:00.000Z', 'may be nothing'],
  ])('%s + %s = %s: %s', (from, duration, to) => {
    expect(new Date(addDuration(Date.parse(from), duration)!).toISOString()).toBe(to);
  });

  it.each(['', 'P', 'PT', 'P1', '1M', 'P-1M', 'P1H', 'PT1D', 'P1.5M', 'PT0.0001S', 'p1m', 'P1M ', 'P1DT'])(
    'is not %j',
    (text) => {
      expect(addDuration(0, text)).toBeNull();
    },
  );

  it('is null where no instant can be named', () => {
    expect(addDuration(0, 'P300000Y')).toBeNull();
    expect(addDuration(0, `P${'9'.repeat(400)}M`)).toBeNull();
  });
});
