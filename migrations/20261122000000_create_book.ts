import type { Knex } from 'knex';

/**
 * The first schema. Lock impact: none, every table is new.
 *
 * Every table starts with `shard`, a hash of (namespace, customer_id) into 64, and every key contains it: on Citus it
 * is the distribution column, all tables co-located. No triggers, sequences, exclusion or deferrable constraints. The
 * tables a spend appends to carry no foreign keys: they are written under the lock of their book's row, and looking it
 * up again for every row would cost more than the insert.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(BOOKS);
  await knex.raw(CREDIT);
  await knex.raw(PENDING);
  await knex.raw(LEDGER);
  await knex.raw(APPEND_ONLY);
}

const BOOKS = `
create table books (
  shard smallint not null,
  id uuid not null,
  namespace text not null,
  customer_id text not null,
  -- committed writes so far, without gaps
  version bigint not null,
  -- everything due up to here has been booked; never goes back
  clock timestamptz(3) not null,
  -- the hash of the last transaction, which the next one builds on
  head_hash bytea not null,
  -- when the book changes by itself next; infinity: only by writes
  next_event_at timestamptz(3) not null,
  -- each currency of a grant, charge or adjustment, with the version that brought it
  currencies jsonb not null,
  constraint books_pk primary key (shard, id),
  constraint books_customer_key unique (shard, namespace, customer_id)
) with (fillfactor = 80);
create index books_next_event on books (next_event_at) where next_event_at < 'infinity';

create table writes (
  shard smallint not null,
  book_id uuid not null,
  version bigint not null,
  recorded_at timestamptz(3) not null,
  -- the RPC that wrote
  method text not null,
  idempotency_key text,
  constraint writes_pk primary key (shard, book_id, version)
);
-- the last version recorded at or before an instant
create index writes_recorded_at on writes (shard, book_id, recorded_at, version);

-- what was asked and answered first under a key: a repeat compares with the one and is given the other. Also of
-- successes that changed nothing, which have no version.
create table idempotency (
  shard smallint not null,
  book_id uuid not null,
  key text not null,
  method text not null,
  request bytea not null,
  answer bytea not null,
  constraint idempotency_pk primary key (shard, book_id, key)
);

create table currencies (
  namespace text not null,
  code text not null,
  idempotency_key text,
  name text not null,
  precision smallint not null,
  created_at timestamptz(3) not null,
  constraint currencies_pk primary key (namespace, code),
  constraint currencies_idempotency_key unique (namespace, idempotency_key),
  constraint currencies_precision_range check (precision between 0 and 12)
);
`;

const CREDIT = `
create table grants (
  shard smallint not null,
  book_id uuid not null,
  id uuid not null,
  -- when and under which version it was recorded
  version bigint not null,
  recorded_at timestamptz(3) not null,
  idempotency_key text,
  currency text not null,
  amount numeric not null,
  priority smallint not null,
  feature_keys text[] not null,
  tax_code text,
  tax_behavior text,
  name text not null,
  description text not null,
  labels jsonb not null,
  funding_method text not null,
  availability_policy text not null,
  purchase_currency text,
  cost_basis numeric not null,
  purchase_amount numeric not null,
  -- how far its payment has come, and when each step occurred
  settlement_status text,
  issued_at timestamptz(3),
  authorized_at timestamptz(3),
  settled_at timestamptz(3),
  failed_at timestamptz(3),
  invoice_id text,
  effective_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  funded_at timestamptz(3) not null,
  -- a projection of the journal from here on: where the grant stands now
  phase text not null,
  booked_at timestamptz(3),
  booked_version bigint,
  voided_at timestamptz(3),
  voided_version bigint,
  void_reason text,
  remaining numeric not null,
  consumed numeric not null,
  expired numeric not null,
  voided numeric not null,
  -- the version from which on nothing of it can change by itself or be drawn on; null while it is open
  closed_version bigint,
  span_class smallint,
  constraint grants_pk primary key (shard, book_id, id),
  constraint grants_book_fk foreign key (shard, book_id) references books (shard, id),
  constraint grants_amount_positive check (amount > 0),
  constraint grants_priority_range check (priority between 1 and 1000),
  constraint grants_lives check (expires_at > effective_at),
  constraint grants_phase_known check (phase in ('SCHEDULED', 'CREDIT', 'EXPIRED', 'LAPSED', 'CALLED_OFF')),
  constraint grants_parts_not_negative check (remaining >= 0 and consumed >= 0 and expired >= 0 and voided >= 0),
  constraint grants_closed_identity check (
    remaining + consumed + expired + voided = case phase when 'SCHEDULED' then 0 else amount end),
  constraint grants_booked_is_credit check ((phase in ('CREDIT', 'EXPIRED')) = (booked_at is not null)),
  constraint grants_booked_version check ((booked_at is null) = (booked_version is null)),
  constraint grants_voided_version check ((voided_at is null) = (voided_version is null))
) with (fillfactor = 80);
create index grants_open on grants (shard, book_id) where closed_version is null;
-- expired credit that a consumption booked late may still take
create index grants_reclaimable on grants (shard, book_id, expires_at) where expired > 0 and phase = 'EXPIRED';
-- grants open at a past version (src/db/span.ts)
create index grants_span on grants (shard, book_id, span_class, closed_version) where closed_version is not null;

-- what a grant's times and payment were until a version changed them
create table former_terms (
  shard smallint not null,
  book_id uuid not null,
  grant_id uuid not null,
  until_version bigint not null,
  until timestamptz(3) not null,
  effective_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  funded_at timestamptz(3) not null,
  settlement_status text,
  issued_at timestamptz(3),
  authorized_at timestamptz(3),
  settled_at timestamptz(3),
  failed_at timestamptz(3),
  invoice_id text,
  constraint former_terms_pk primary key (shard, book_id, grant_id, until_version)
);

create table charges (
  shard smallint not null,
  book_id uuid not null,
  id uuid not null,
  version bigint not null,
  recorded_at timestamptz(3) not null,
  idempotency_key text,
  type text not null,
  settlement_mode text not null,
  currency text not null,
  precision smallint not null,
  amount numeric not null,
  feature_key text,
  tax_code text,
  tax_behavior text,
  name text not null,
  description text not null,
  labels jsonb not null,
  starts_at timestamptz(3) not null,
  hold_expires_at timestamptz(3) not null,
  -- a projection of charge_events from here on: where the charge stands now
  status text not null,
  closed_at timestamptz(3),
  sequence bigint,
  collections integer not null,
  collected numeric not null,
  advanced numeric not null,
  invoiced numeric not null,
  closed_version bigint,
  span_class smallint,
  constraint charges_pk primary key (shard, book_id, id),
  constraint charges_type_known check (type in ('FLAT_FEE', 'USAGE_BASED')),
  constraint charges_mode_known check (settlement_mode in ('CREDIT_ONLY', 'CREDIT_THEN_INVOICE', 'PREPAID_ONLY')),
  constraint charges_status_known check (status in ('OPEN', 'FINAL', 'CANCELED')),
  constraint charges_amount_not_negative check (amount >= 0 and collected >= 0 and advanced >= 0 and invoiced >= 0),
  constraint charges_open_until_closed check ((status = 'OPEN') = (closed_version is null))
) with (fillfactor = 80);
create index charges_open on charges (shard, book_id) where closed_version is null;
create index charges_span on charges (shard, book_id, span_class, closed_version) where span_class is not null;

-- what happened to a charge while it was open: its totals as reported, and what was collected and given back
create table charge_events (
  shard smallint not null,
  book_id uuid not null,
  charge_id uuid not null,
  version bigint not null,
  -- the total from this version on
  amount numeric not null,
  -- what this version collected (below zero: gave back), counting from booked_at
  collected numeric not null,
  booked_at timestamptz(3) not null,
  constraint charge_events_pk primary key (shard, book_id, charge_id, version)
);

create table advances (
  shard smallint not null,
  book_id uuid not null,
  charge_id uuid not null,
  collection integer not null,
  version bigint not null,
  currency text not null,
  feature_key text,
  tax_code text,
  tax_behavior text,
  amount numeric not null,
  -- a projection of the allocations that cover it
  uncovered numeric not null,
  booked_at timestamptz(3) not null,
  -- its first entry, within its version
  entry_position integer not null,
  closed_version bigint,
  span_class smallint,
  constraint advances_pk primary key (shard, book_id, charge_id, collection),
  constraint advances_uncovered_range check (uncovered between 0 and amount),
  constraint advances_open_while_uncovered check ((uncovered > 0) = (closed_version is null))
) with (fillfactor = 80);
create index advances_open on advances (shard, book_id) where closed_version is null;
create index advances_span on advances (shard, book_id, span_class, closed_version) where closed_version is not null;

-- each split as it happened; corrections and recognition move only the last two amounts
create table allocations (
  shard smallint not null,
  book_id uuid not null,
  charge_id uuid not null,
  -- its first entry
  version bigint not null,
  position integer not null,
  collection integer not null,
  kind text not null,
  grant_id uuid not null,
  amount numeric not null,
  booked_at timestamptz(3) not null,
  returned numeric not null,
  recognized numeric not null,
  constraint allocations_pk primary key (shard, book_id, charge_id, version, position),
  constraint allocations_moves_within check (returned >= 0 and recognized >= 0 and returned + recognized <= amount),
  constraint allocations_kind_known check (kind in ('SOURCE', 'COVER')),
  constraint allocations_amount_positive check (amount > 0)
) with (fillfactor = 80);
-- what of it is accrued and not yet recognized as revenue
create index allocations_accrued on allocations (shard, book_id, booked_at) where returned + recognized < amount;

-- advances that a correction made smaller
create table reductions (
  shard smallint not null,
  book_id uuid not null,
  charge_id uuid not null,
  version bigint not null,
  position integer not null,
  collection integer not null,
  amount numeric not null,
  booked_at timestamptz(3) not null,
  constraint reductions_pk primary key (shard, book_id, charge_id, version, position)
);
`;

const PENDING = `
create table scheduled_grants (
  shard smallint not null,
  book_id uuid not null,
  grant_id uuid not null,
  -- known over the versions [known_from, known_until); null: still
  known_from bigint not null,
  known_until bigint,
  namespace text not null,
  customer_id text not null,
  currency text not null,
  feature_keys text[] not null,
  amount numeric not null,
  -- pending over [pending_from, pending_until); infinity: nobody knows yet
  pending_from timestamptz(3) not null,
  pending_until timestamptz(3) not null,
  -- when it becomes credit; infinity while its funding waits
  effective_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  span_class smallint not null,
  constraint scheduled_grants_pk primary key (shard, book_id, grant_id, known_from),
  constraint scheduled_grants_book_fk foreign key (shard, book_id) references books (shard, id),
  constraint scheduled_grants_pending_span check (pending_until > pending_from),
  constraint scheduled_grants_known_span check (known_until > known_from)
);
create unique index scheduled_grants_known_once on scheduled_grants (shard, book_id, grant_id) where known_until is null;
-- what is pending at an instant, and when that changes next (src/db/span.ts)
create index scheduled_grants_span on scheduled_grants (shard, book_id, span_class, pending_until);
-- what a customer or a namespace has scheduled in a window
create index scheduled_grants_customer_window on scheduled_grants (shard, book_id, effective_at, grant_id) where known_until is null;
create index scheduled_grants_namespace_window on scheduled_grants (namespace, effective_at, grant_id) where known_until is null;
`;

const LEDGER = `
create table sub_accounts (
  shard smallint not null,
  book_id uuid not null,
  -- counts up within the book; what entries refer to
  ordinal integer not null,
  id uuid not null,
  type text not null,
  currency text not null,
  feature_keys text[] not null,
  priority smallint,
  cost_basis numeric,
  stage text,
  tax_code text,
  tax_behavior text,
  constraint sub_accounts_pk primary key (shard, book_id, ordinal),
  constraint sub_accounts_book_fk foreign key (shard, book_id) references books (shard, id),
  constraint sub_accounts_route_key unique nulls not distinct
    (shard, book_id, type, currency, feature_keys, priority, cost_basis, stage, tax_code, tax_behavior),
  constraint sub_accounts_type_known check (type in ('CUSTOMER_FBO', 'CUSTOMER_RECEIVABLE', 'CUSTOMER_ACCRUED',
    'WASH', 'EARNINGS', 'BROKERAGE', 'BREAKAGE')),
  constraint sub_accounts_stage_of_receivable check ((stage is not null) = (type = 'CUSTOMER_RECEIVABLE'))
);

create table transactions (
  shard smallint not null,
  book_id uuid not null,
  version bigint not null,
  -- order within the write
  ordinal integer not null,
  id uuid not null,
  kind text not null,
  booked_at timestamptz(3) not null,
  recorded_at timestamptz(3) not null,
  -- what all its entries are about; null where they differ or are about none
  grant_id uuid,
  charge_id uuid,
  -- of a manual posting
  reason text,
  -- of the transaction before it in the book and of this one's content
  hash bytea not null,
  constraint transactions_pk primary key (shard, book_id, version, ordinal),
  constraint transactions_booked_in_the_past check (booked_at <= recorded_at)
);
-- id first: led by shard it would be chosen for shard alone, and read a whole shard
create unique index transactions_id on transactions (id, shard);
-- a customer's history reads newest booked first
create index transactions_booked_at on transactions (shard, book_id, booked_at, version, ordinal);

create table entries (
  shard smallint not null,
  book_id uuid not null,
  version bigint not null,
  -- order within the write, across its transactions
  position integer not null,
  -- the transaction's ordinal
  transaction integer not null,
  sub_account integer not null,
  kind text not null,
  amount numeric not null,
  -- of the sub-account, in version order
  running_total numeric not null,
  grant_id uuid,
  -- of the grant, on entries of CUSTOMER_FBO: what remained of it after this entry, in version order
  grant_remaining numeric,
  charge_id uuid,
  booked_at timestamptz(3) not null,
  -- the entry this one takes back, wholly or in part
  reversed_version bigint,
  reversed_position integer,
  -- how much later than booked_at it was recorded (src/db/span.ts); null: at once
  late_class smallint,
  constraint entries_pk primary key (shard, book_id, version, position),
  constraint entries_amount_not_zero check (amount <> 0),
  constraint entries_grant_never_overdrawn check (grant_remaining >= 0)
);
-- the running total of a sub-account at a version
create index entries_sub_account on entries (shard, book_id, sub_account, version, position);
-- what a grant did, and on entries of CUSTOMER_FBO what remained of it at a version
create index entries_grant on entries (shard, book_id, grant_id, version, position) where grant_id is not null;
-- what a grant lost other than by consumption: few rows a grant
create index entries_grant_forfeit on entries (shard, book_id, grant_id, version)
  where grant_remaining is not null and kind in ('EXPIRE', 'EXPIRE_UNDONE', 'VOID');
create index entries_charge on entries (shard, book_id, charge_id, version) where charge_id is not null;
-- facts told late that straddle an instant
create index entries_late on entries (shard, book_id, late_class, booked_at) where late_class is not null;
`;

// What was written stays as it was: not even the owner of the tables may change it. (A superuser may: do not run the
// service as one.)
const APPEND_ONLY = `
revoke update, delete, truncate on writes, idempotency, transactions, entries, charge_events, former_terms, reductions
  from current_user;
revoke update, delete, truncate on allocations from current_user;
grant update (returned, recognized) on allocations to current_user;
`;
