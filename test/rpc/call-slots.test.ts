import { describe, expect, test } from 'vitest';
import { createCallSlots } from '../../src/rpc/call/call-slots.ts';
import { mount } from '../../src/rpc/call/mounted-service.ts';
import { testClock } from '../support/clock.ts';
import { captureLog } from './harness.ts';
import { Probe } from './probe.ts';

/** Who gets a slot, who waits for one, and who is turned away: with the transport played by the test. */

const [read, write, follow] = mount(Probe, {
  read: () => ({}),
  write: () => ({}),
  follow: async function* () {},
}).rpcs as never as readonly [Rpc, Rpc, Rpc];
type Rpc = Parameters<ReturnType<typeof createCallSlots>['enter']>[0];

function setUp(limit: number, writesInTime = () => true) {
  const time = testClock();
  const log = captureLog();
  const slots = createCallSlots({ limit, writesInTime, log: log.log, clock: time.clock });
  /** One call; what became of it so far. */
  const call = (connection: object, { rpc = read, forMs = Infinity } = {}) => {
    const seen = { became: 'waits' as string, leave: () => {} };
    seen.leave = slots.enter(rpc, {
      connection,
      deadlineMs: time.clock.monotonic() + forMs,
      begin: () => (seen.became = 'begun'),
      refuse: ({ refusal }) => (seen.became = refusal.reason),
    });
    return seen;
  };
  const calls = (n: number, connection: object) => Array.from({ length: n }, () => call(connection));
  const begun = (all: readonly { readonly became: string }[]) =>
    all.filter(({ became }) => became === 'begun').length;
  return { time, log, call, calls, begun };
}

const impatient = { forMs: 1_000 };

describe('a connection', () => {
  test('alone gets half of all slots', () => {
    const { calls, begun } = setUp(10);

    expect(begun(calls(20, {}))).toBe(5);
  });

  test('shares with others, and leaves as much to whoever comes next', () => {
    const { call, calls, begun } = setUp(12);
    const [one, two] = [calls(20, {}), calls(20, {})];
    const third = call({}, impatient);

    expect([begun(one), begun(two)]).toEqual([6, 3]);
    expect(third.became).toBe('begun');
  });

  test('gets no slot of another whose calls wait', () => {
    const { calls, begun } = setUp(4);
    const [busy, other] = [{}, {}];
    const first = calls(4, busy);
    const second = calls(2, other);
    second.find(({ became }) => became === 'begun')!.leave();

    expect(begun(first)).toBe(2);
    expect(begun(second)).toBe(2);
  });
});

describe('a call that finds no slot', () => {
  test('is turned away if its caller is not patient', () => {
    const { call } = setUp(1);
    call({});

    expect(call({}, impatient).became).toBe('OVERLOADED');
  });

  test('waits if its caller is, and begins when a slot is given back, in its turn', () => {
    const { call } = setUp(1);
    const first = call({});
    const connection = {};
    const [second, third] = [call(connection), call(connection, { forMs: 5_000 })];
    expect([second.became, third.became]).toEqual(['waits', 'waits']);
    first.leave();
    expect([second.became, third.became]).toEqual(['begun', 'waits']);
    second.leave();

    expect(third.became).toBe('begun');
  });

  test('waits no longer once its caller has left', () => {
    const { call } = setUp(1);
    const first = call({});
    const [second, third] = [call({}), call({})];
    second.leave();
    first.leave();

    expect([second.became, third.became]).toEqual(['waits', 'begun']);
  });

  test('is turned away where too many wait', () => {
    const { calls } = setUp(1);
    const all = calls(7, {}).map(({ became }) => became);

    expect(all).toEqual(['begun', 'waits', 'waits', 'waits', 'waits', 'OVERLOADED', 'OVERLOADED']);
  });
});

test('a slot that is given back twice is one slot', () => {
  const { call } = setUp(1);
  const first = call({});
  first.leave();
  first.leave();
  call({});

  expect(call({}, impatient).became).toBe('OVERLOADED');
});

test('streams take no slot, and find none missing', () => {
  const { call, calls, begun } = setUp(2);

  expect(begun([call({}), call({})])).toBe(2);
  expect(call({}, { rpc: follow }).became).toBe('begun');
  expect(begun(calls(1, {}))).toBe(0);
});

test('a write that would not be done in time is turned away, where a question is not', () => {
  const { call } = setUp(10, () => false);

  expect(call({}, { rpc: write }).became).toBe('OVERLOADED');
  expect(call({}, { rpc: read }).became).toBe('begun');
});

test('the log has one line a second for all that were turned away', () => {
  const { call, time, log } = setUp(1);
  call({});
  for (let n = 0; n < 5; n++) call({}, impatient);
  expect(log.lines).toEqual([]);
  time.pass(1_000);
  call({}, impatient);
  time.pass(1_000);

  expect(log.lines.map(({ turnedAway, limit }) => [turnedAway, limit])).toEqual([
    [5, 1],
    [1, 1],
  ]);
});
