import { CARELESS_SETTINGS } from '../db/durability.ts';
import type { Instant } from '../instant.ts';
import { UNREADY } from '../live/readiness.ts';
import { byEach, counter, gauge, type Family } from './family.ts';
import type { EmbeddedState, Sources } from './sources.ts';

/** How things stand in the service: each is asked when the metrics are read. */
export const gaugesOf = (sources: Sources): readonly Family[] => [
  ...callGauges(sources),
  ...queueGauges(sources),
  ...poolGauges(sources),
  ...streamGauges(sources),
  ...cacheGauges(sources),
  ...dueGauges(sources),
  ...healthGauges(sources),
];

const callGauges = ({ server: { calls } }: Sources): readonly Family[] => [
  byEach(
    'gauge',
    'credit_ledger_call_slots',
    'Calls that are worked on, and calls that wait for a slot; streams aside.',
    'state',
    () => ({ taken: calls().taken, waiting: calls().waiting }),
  ),
  gauge(
    'credit_ledger_call_slots_limit',
    'The most calls that are worked on at once (CREDIT_LEDGER_MAX_CALLS).',
    () => calls().limit,
  ),
];

const queueGauges = ({ books }: Sources): readonly Family[] => [
  gauge('credit_ledger_queue_length', 'Writes that wait for their batch.', () => books.counts().waiting),
  gauge(
    'credit_ledger_queue_limit',
    'The most writes that wait, all lanes together (CREDIT_LEDGER_QUEUE_LIMIT).',
    () => books.counts().limit,
  ),
  gauge(
    'credit_ledger_queue_locked_length',
    'Writes that wait for books that another instance or session has locked.',
    () => books.counts().aside,
  ),
  gauge(
    'credit_ledger_queue_oldest_age_seconds',
    'How long the write that has waited longest has.',
    () => books.counts().oldestMs / 1_000,
  ),
  gauge(
    'credit_ledger_batches_in_flight',
    'Batches of writes that are in the database.',
    () => books.counts().underWay,
  ),
];

const POOL = 'db_client_connection_pool_name';

const poolGauges = ({ databases }: Sources): readonly Family[] => [
  {
    name: 'db_client_connection_count',
    help: 'Connections to the database that are open, by pool and whether they are used.',
    type: 'gauge',
    *read() {
      for (const { pool, used, idle } of databases.counts()) {
        yield [{ [POOL]: pool, db_client_connection_state: 'used' }, used];
        yield [{ [POOL]: pool, db_client_connection_state: 'idle' }, idle];
      }
    },
  },
  byEach(
    'gauge',
    'db_client_connection_max',
    'The most connections a pool may open (CREDIT_LEDGER_POOL_SIZE divides into writes and questions).',
    POOL,
    () => Object.fromEntries(databases.counts().map(({ pool, size }) => [pool, size])),
  ),
  byEach(
    'gauge',
    'db_client_connection_pending_requests',
    'How many wait for a connection of a pool.',
    POOL,
    () => Object.fromEntries(databases.counts().map(({ pool, waiting }) => [pool, waiting])),
  ),
];

const streamGauges = ({ watches, verifications, feeds, hub }: Sources): readonly Family[] => [
  byEach('gauge', 'credit_ledger_streams', 'Streams that are open.', 'kind', () => ({
    balance: watches.taken(),
    transactions: feeds.counts().taken,
    verification: verifications.taken(),
  })),
  byEach('gauge', 'credit_ledger_streams_limit', 'The most streams of a kind at once.', 'kind', () => ({
    balance: watches.limit,
    transactions: feeds.counts().limit,
    verification: verifications.limit,
  })),
  gauge('credit_ledger_watched_books', 'Books whose balance somebody watches.', () => hub.books()),
  gauge(
    'credit_ledger_feed_lag_seconds',
    'How far behind now what a namespace feed can tell lies; 0 while nobody follows.',
    () => feeds.counts().lagMs / 1_000,
  ),
];

const cacheGauges = ({ kept }: Sources): readonly Family[] => [
  gauge('credit_ledger_book_cache_books', 'Open books kept in memory.', () => kept.counts().books),
  gauge('credit_ledger_book_cache_facts', 'Their facts, which the limit counts.', () => kept.counts().facts),
  gauge(
    'credit_ledger_book_cache_facts_limit',
    'The most facts kept (CREDIT_LEDGER_KEPT_FACTS).',
    () => kept.counts().limit,
  ),
  byEach(
    'counter',
    'credit_ledger_book_cache_requests_total',
    'How often a book that was needed was kept (hit), and how often it had to be loaded (miss).',
    'result',
    () => ({ hit: kept.counts().hits, miss: kept.counts().misses }),
  ),
];

function dueGauges({ dueBooker }: Sources): readonly Family[] {
  if (dueBooker === null) return [];
  return [
    gauge(
      'credit_ledger_due_books',
      'Books in which the last look of the due-booker found something due that was not booked; 512 at most.',
      () => dueBooker.counts().due,
    ),
    gauge(
      'credit_ledger_due_since_timestamp_seconds',
      'Since when the first of them is due; 0: none is.',
      () => (dueBooker.counts().dueSince ?? 0) / 1_000,
    ),
    gauge(
      'credit_ledger_due_booker_round_timestamp_seconds',
      'When the due-booker last came to the end of a round; 0: it has not yet.',
      () => (dueBooker.counts().roundAt ?? 0) / 1_000,
    ),
    counter(
      'credit_ledger_due_booker_books_total',
      'Books in which the due-booker has booked what was due.',
      () => dueBooker.counts().written,
    ),
  ];
}

const healthGauges = ({ readiness, databases: { careless } }: Sources): readonly Family[] => [
  byEach(
    'gauge',
    'credit_ledger_unready',
    '1: no calls should be sent here, for this reason, which /readyz tells, too.',
    'reason',
    () => Object.fromEntries(UNREADY.map((reason) => [reason, Number(readiness.unready() === reason)])),
  ),
  byEach(
    'gauge',
    'credit_ledger_durability_off',
    '1: this setting of Postgres was off at the start, so a crash may take back what was answered.',
    'setting',
    () => Object.fromEntries(CARELESS_SETTINGS.map((name) => [name, Number(careless.includes(name))])),
  ),
];

/** Of the certificate that connections are opened with, where there is one. */
export const certificateGauges = (validUntil: () => Instant): readonly Family[] => [
  gauge(
    'credit_ledger_certificate_valid_until_timestamp_seconds',
    'When the certificate that is shown to callers is of no use any more.',
    () => validUntil() / 1_000,
  ),
];

/** Of the file of credentials, where there is one. */
export const credentialsGauges = (isBroken: () => boolean): readonly Family[] => [
  gauge(
    'credit_ledger_credentials_broken',
    '1: the file of credentials cannot be read, and those from before stay good.',
    () => Number(isBroken()),
  ),
];

/** Of the embedded Postgres, where that is used. */
export const embeddedGauges = (stateOf: () => EmbeddedState): readonly Family[] => [
  gauge('credit_ledger_embedded_postgres_up', '1: the embedded Postgres runs.', () => Number(stateOf().isUp)),
  counter(
    'credit_ledger_embedded_postgres_restarts_total',
    'How often the embedded Postgres ended by itself and was started again.',
    () => stateOf().restarts,
  ),
];
