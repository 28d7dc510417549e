import fc from 'fast-check';
import { openSql } from '../sql.ts';
import type { Held, Relay } from '../relay.ts';
import type { Instance } from './instances.ts';

/** Where faults happen. */
export type Stage = {
  readonly databaseUrl: string;
  readonly instances: readonly Instance[];
  readonly customers: readonly string[];
  /** Kills the postmaster and waits until another serves, where it is the test's own. */
  readonly restartPostgres?: () => Promise<void>;
};

/** One fault, drawn at random. */
export type Fault = {
  readonly kind: FaultKind;
  /** Which instance it concerns, or which customer's book. */
  readonly instance: number;
  readonly customer: number;
  /** How long it goes on: until so many attempts have come to an outcome, or so much time has passed. */
  readonly outcomes: number;
  readonly longestMs: number;
  /** What stands there is broken in the end, or else goes on, so that what was believed lost arrives late. */
  readonly broken: boolean;
  readonly bytes: number;
  readonly ms: number;
};

/** Brings it about; what it resolves with ends it. */
type Begin = (stage: Stage, fault: Fault) => Promise<() => Promise<void> | void>;

const of = ({ instances }: Stage, { instance }: Fault): Instance => instances[instance % instances.length]!;

const over = () => undefined;

const ended = (held: Held, { broken }: Fault) => (broken ? held.cut() : held.goOn());

const healed = (relay: Relay, { broken }: Fault) => {
  if (broken) relay.cut();
  relay.heal();
};

const silent =
  (side: 'database' | 'callers', ...how: Parameters<Relay['silence']>): Begin =>
  async (stage, fault) => {
    const relay = of(stage, fault)[side];
    relay.silence(...how);
    return () => healed(relay, fault);
  };

/** Holds a lock in a session of its own. */
const locked =
  (textOf: (stage: Stage, fault: Fault) => string): Begin =>
  async (stage, fault) => {
    const sql = await openSql(stage.databaseUrl);
    await sql.rows('begin');
    await sql.rows(textOf(stage, fault));
    return () => sql.end();
  };

/** Every kind of fault there is. */
export const FAULTS = {
  'callers cut off': async (stage, fault) => {
    of(stage, fault).callers.cut();
    return over;
  },
  'callers hear nothing': silent('callers', 'existing', ['back']),
  'callers and instance hear nothing': silent('callers', 'existing'),
  'a request stops in the middle': async (stage, fault) => {
    const held = await of(stage, fault).callers.next({ way: 'there', bytes: fault.bytes });
    return () => ended(held, fault);
  },
  'an answer stops in the middle': async (stage, fault) => {
    const held = await of(stage, fault).callers.next({ way: 'back', bytes: fault.bytes });
    return () => ended(held, fault);
  },
  'database connections cut': async (stage, fault) => {
    of(stage, fault).database.cut();
    return over;
  },
  'database connections silent': silent('database', 'existing'),
  'the database is not heard': silent('database', 'existing', ['back']),
  'the database hears nothing': silent('database', 'existing', ['there']),
  'the database is out of reach': silent('database', 'all'),
  'the database is slow': async (stage, fault) => {
    const relay = of(stage, fault).database;
    relay.delay(fault.ms);
    return () => relay.heal();
  },
  'statements stop in the middle': async (stage, fault) => {
    const held = await of(stage, fault).database.next({ way: 'there', bytes: fault.bytes });
    return () => ended(held, fault);
  },
  'stands before a commit': async (stage, fault) => {
    const held = await of(stage, fault).database.before('commit');
    return () => ended(held, fault);
  },
  'stands behind a commit': async (stage, fault) => {
    const held = await of(stage, fault).database.answerTo('commit');
    return () => ended(held, fault);
  },
  'an instance is frozen': async (stage, fault) => {
    const instance = of(stage, fault);
    instance.signal('SIGSTOP');
    return () => instance.signal('SIGCONT');
  },
  'an instance is killed': async (stage, fault) => {
    const restarted = of(stage, fault).restart('SIGKILL');
    return () => restarted;
  },
  'an instance is stopped': async (stage, fault) => {
    const restarted = of(stage, fault).restart('SIGTERM');
    return () => restarted;
  },
  'a table is locked': locked(() => 'lock table books in access exclusive mode'),
  'a book is locked': locked(
    ({ customers }, { customer }) =>
      `select from books where customer_id = '${customers[customer % customers.length]!}' for update`,
  ),
  'sessions are ended': async ({ databaseUrl }) => {
    const sql = await openSql(databaseUrl);
    await sql.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    return () => sql.end();
  },
  'Postgres is killed': async ({ restartPostgres }) => {
    const restarted = restartPostgres!();
    return () => restarted;
  },
} as const satisfies Readonly<Record<string, Begin>>;

export type FaultKind = keyof typeof FAULTS;

/** Most are over soon; what is not goes on past every limit. */
const LENGTHS = {
  short: fc.record({
    outcomes: fc.integer({ min: 1, max: 20 }),
    longestMs: fc.integer({ min: 1, max: 1_000 }),
  }),
  long: fc.constant({ outcomes: 1_000, longestMs: 12_000 }),
};

/** These take a start of the service, which is most of the time that a run takes. */
const WITH_A_START: readonly FaultKind[] = ['an instance is killed', 'an instance is stopped'];

export type Drawing = {
  readonly kinds: readonly FaultKind[];
  readonly faults: number;
  readonly seed: number;
  /** One in so many is long; 0: none. */
  readonly longOneIn: number;
};

/** A plan: as many faults of these kinds, by the seed. */
export const drawFaults = ({ kinds, faults, seed, longOneIn }: Drawing): readonly Fault[] =>
  fc.sample(
    fc
      .record({
        kind: fc.oneof(
          ...kinds.map((kind) => ({
            weight: WITH_A_START.includes(kind) ? 1 : 3,
            arbitrary: fc.constant(kind),
          })),
        ),
        instance: fc.nat({ max: 1_000 }),
        customer: fc.nat({ max: 1_000 }),
        broken: fc.boolean(),
        bytes: fc.integer({ min: 1, max: 5_000 }),
        ms: fc.integer({ min: 1, max: 100 }),
        length: fc.oneof(
          { weight: Math.max(1, longOneIn - 1), arbitrary: LENGTHS.short },
          { weight: longOneIn === 0 ? 0 : 1, arbitrary: LENGTHS.long },
        ),
      })
      .map(({ length, ...fault }) => ({ ...fault, ...length })),
    { numRuns: faults, seed },
  );
