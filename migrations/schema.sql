-- The schema that the migrations lead to. Made by test/db/schema.test.ts, never edited.

create table advances (
  shard smallint not null,
  book_id bigint not null,
  charge_id uuid not null,
  collection integer not null,
  version bigint not null,
  currency text not null,
  feature_key text,
  tax_code text,
  tax_behavior text,
  amount numeric not null,
  uncovered numeric not null,
  booked_at timestamp(3) with time zone not null,
  entry_position integer not null,
  closed_version bigint,
  span_class smallint,
  constraint advances_open_while_uncovered CHECK (((uncovered > (0)::numeric) = (closed_version IS NULL))),
  constraint advances_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (uncovered > '-Infinity'::numeric) AND (uncovered < 'Infinity'::numeric) AND (booked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint advances_together CHECK (((tax_behavior IS NULL) OR (tax_code IS NOT NULL))),
  constraint advances_uncovered_range CHECK (((uncovered >= (0)::numeric) AND (uncovered <= amount))),
  constraint advances_pk PRIMARY KEY (shard, book_id, charge_id, collection)
) with (fillfactor=80);
CREATE INDEX advances_open ON advances USING btree (shard, book_id) WHERE (closed_version IS NULL);
CREATE INDEX advances_span ON advances USING btree (shard, book_id, span_class, closed_version) WHERE (closed_version IS NOT NULL);

create table allocations (
  shard smallint not null,
  book_id bigint not null,
  charge_id uuid not null,
  version bigint not null,
  position integer not null,
  collection integer not null,
  kind text not null,
  grant_id uuid not null,
  amount numeric not null,
  booked_at timestamp(3) with time zone not null,
  returned numeric not null,
  recognized numeric not null,
  constraint allocations_amount_positive CHECK ((amount > (0)::numeric)),
  constraint allocations_kind_known CHECK ((kind = ANY (ARRAY['SOURCE'::text, 'COVER'::text]))),
  constraint allocations_moves_within CHECK (((returned >= (0)::numeric) AND (recognized >= (0)::numeric) AND ((returned + recognized) <= amount))),
  constraint allocations_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (returned > '-Infinity'::numeric) AND (returned < 'Infinity'::numeric) AND (recognized > '-Infinity'::numeric) AND (recognized < 'Infinity'::numeric) AND (booked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint allocations_pk PRIMARY KEY (shard, book_id, charge_id, version, "position")
) with (fillfactor=80);
CREATE INDEX allocations_accrued ON allocations USING btree (shard, book_id, booked_at) WHERE ((returned + recognized) < amount);
revoke delete, truncate, update on allocations from current_user;
grant update (returned, recognized) on allocations to current_user;

create table book_register (
  shard smallint not null,
  book_id bigint not null,
  namespace text not null,
  customer_id text not null,
  constraint book_register_pk PRIMARY KEY (shard, book_id),
  constraint book_register_customer_key UNIQUE (shard, namespace, customer_id)
);
revoke delete, truncate, update on book_register from current_user;

create table books (
  shard smallint not null,
  id bigint not null,
  namespace text not null,
  customer_id text not null,
  version bigint not null,
  clock timestamp(3) with time zone not null,
  head_hash bytea not null,
  next_event_at timestamp(3) with time zone not null,
  currencies jsonb not null,
  feed_position bigint default 0 not null,
  uuid uuid not null,
  constraint books_readable CHECK ((((clock = '-infinity'::timestamp with time zone) OR ((clock >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (clock < '10000-01-01 00:00:00+00'::timestamp with time zone))) AND ((NOT isfinite(next_event_at)) OR ((next_event_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (next_event_at < '10000-01-01 00:00:00+00'::timestamp with time zone))))),
  constraint books_pk PRIMARY KEY (shard, id),
  constraint books_customer_key UNIQUE (shard, namespace, customer_id)
) with (fillfactor=80);
CREATE INDEX books_next_event ON books USING btree (next_event_at) WHERE (next_event_at < 'infinity'::timestamp with time zone);

create table charge_events (
  shard smallint not null,
  book_id bigint not null,
  charge_id uuid not null,
  version bigint not null,
  amount numeric not null,
  collected numeric not null,
  booked_at timestamp(3) with time zone not null,
  sequence bigint,
  constraint charge_events_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (collected > '-Infinity'::numeric) AND (collected < 'Infinity'::numeric) AND (booked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint charge_events_pk PRIMARY KEY (shard, book_id, charge_id, version)
);
revoke delete, truncate, update on charge_events from current_user;

create table charges (
  shard smallint not null,
  book_id bigint not null,
  id uuid not null,
  version bigint not null,
  recorded_at timestamp(3) with time zone not null,
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
  starts_at timestamp(3) with time zone not null,
  hold_expires_at timestamp(3) with time zone not null,
  status text not null,
  closed_at timestamp(3) with time zone,
  sequence bigint,
  collections integer not null,
  collected numeric not null,
  advanced numeric not null,
  invoiced numeric not null,
  closed_version bigint,
  span_class smallint,
  constraint charges_amount_not_negative CHECK (((amount >= (0)::numeric) AND (collected >= (0)::numeric) AND (advanced >= (0)::numeric) AND (invoiced >= (0)::numeric))),
  constraint charges_mode_known CHECK ((settlement_mode = ANY (ARRAY['CREDIT_ONLY'::text, 'CREDIT_THEN_INVOICE'::text, 'PREPAID_ONLY'::text]))),
  constraint charges_open_until_closed CHECK (((status = 'OPEN'::text) = (closed_version IS NULL))),
  constraint charges_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (collected > '-Infinity'::numeric) AND (collected < 'Infinity'::numeric) AND (advanced > '-Infinity'::numeric) AND (advanced < 'Infinity'::numeric) AND (invoiced > '-Infinity'::numeric) AND (invoiced < 'Infinity'::numeric) AND (recorded_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (recorded_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (starts_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (starts_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (closed_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (closed_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND ((hold_expires_at = 'infinity'::timestamp with time zone) OR ((hold_expires_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (hold_expires_at < '10000-01-01 00:00:00+00'::timestamp with time zone))))),
  constraint charges_status_known CHECK ((status = ANY (ARRAY['OPEN'::text, 'FINAL'::text, 'CANCELED'::text]))),
  constraint charges_together CHECK (((tax_behavior IS NULL) OR (tax_code IS NOT NULL))),
  constraint charges_type_known CHECK ((type = ANY (ARRAY['FLAT_FEE'::text, 'USAGE_BASED'::text]))),
  constraint charges_pk PRIMARY KEY (shard, book_id, id)
) with (fillfactor=95);
CREATE INDEX charges_canceled ON charges USING btree (shard, book_id, id) WHERE (status = 'CANCELED'::text);
CREATE INDEX charges_open ON charges USING btree (shard, book_id) WHERE (closed_version IS NULL);
CREATE INDEX charges_span ON charges USING btree (shard, book_id, span_class, closed_version) WHERE (span_class IS NOT NULL);

create table currencies (
  namespace text not null,
  code text not null,
  idempotency_key text,
  name text not null,
  precision smallint not null,
  created_at timestamp(3) with time zone not null,
  constraint currencies_precision_range CHECK ((("precision" >= 0) AND ("precision" <= 12))),
  constraint currencies_readable CHECK (((created_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint currencies_pk PRIMARY KEY (namespace, code),
  constraint currencies_idempotency_key UNIQUE (namespace, idempotency_key)
);

create table entries (
  shard smallint not null,
  book_id bigint not null,
  version bigint not null,
  position integer not null,
  transaction integer not null,
  sub_account integer not null,
  kind text not null,
  amount numeric not null,
  running_total numeric not null,
  grant_id uuid,
  grant_remaining numeric,
  charge_id uuid,
  booked_at timestamp(3) with time zone not null,
  reversed_version bigint,
  reversed_position integer,
  late_class smallint,
  constraint entries_amount_not_zero CHECK ((amount <> (0)::numeric)),
  constraint entries_grant_never_overdrawn CHECK ((grant_remaining >= (0)::numeric)),
  constraint entries_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (running_total > '-Infinity'::numeric) AND (running_total < 'Infinity'::numeric) AND (grant_remaining > '-Infinity'::numeric) AND (grant_remaining < 'Infinity'::numeric) AND (booked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint entries_together CHECK (((reversed_version IS NULL) = (reversed_position IS NULL))),
  constraint entries_pk PRIMARY KEY (shard, book_id, sub_account, version, "position")
);
CREATE INDEX entries_charge ON entries USING btree (shard, book_id, charge_id, version) WHERE ((charge_id IS NOT NULL) AND (kind <> 'CONSUME'::text));
CREATE INDEX entries_grant ON entries USING btree (shard, book_id, grant_id, version, "position") WHERE ((grant_remaining IS NOT NULL) OR ((grant_id IS NOT NULL) AND (kind = ANY (ARRAY['PAYMENT_AUTHORIZED'::text, 'PAYMENT_SETTLED'::text, 'PAYMENT_FAILED'::text, 'RECOGNIZE'::text, 'MANUAL'::text, 'REVERSE'::text]))));
CREATE INDEX entries_grant_forfeit ON entries USING btree (shard, book_id, grant_id, version) WHERE ((grant_remaining IS NOT NULL) AND (kind = ANY (ARRAY['EXPIRE'::text, 'EXPIRE_UNDONE'::text, 'VOID'::text])));
CREATE UNIQUE INDEX entries_reversed_once ON entries USING btree (shard, book_id, reversed_version, reversed_position) WHERE (kind = 'REVERSE'::text);
CREATE INDEX entries_told_late ON entries USING btree (shard, book_id, version) WHERE (late_class IS NOT NULL);
revoke delete, truncate, update on entries from current_user;

create table former_terms (
  shard smallint not null,
  book_id bigint not null,
  grant_id uuid not null,
  until_version bigint not null,
  until timestamp(3) with time zone not null,
  effective_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone not null,
  funded_at timestamp(3) with time zone not null,
  settlement_status text,
  issued_at timestamp(3) with time zone,
  authorized_at timestamp(3) with time zone,
  settled_at timestamp(3) with time zone,
  failed_at timestamp(3) with time zone,
  invoice_id text,
  constraint former_terms_readable CHECK (((until >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (until < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (effective_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (effective_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (issued_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (issued_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (authorized_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (authorized_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (settled_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (settled_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (failed_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (failed_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND ((expires_at = 'infinity'::timestamp with time zone) OR ((expires_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '10000-01-01 00:00:00+00'::timestamp with time zone))) AND ((NOT isfinite(funded_at)) OR ((funded_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (funded_at < '10000-01-01 00:00:00+00'::timestamp with time zone))))),
  constraint former_terms_pk PRIMARY KEY (shard, book_id, grant_id, until_version)
);
revoke delete, truncate, update on former_terms from current_user;

create table grants (
  shard smallint not null,
  book_id bigint not null,
  id uuid not null,
  version bigint not null,
  recorded_at timestamp(3) with time zone not null,
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
  settlement_status text,
  issued_at timestamp(3) with time zone,
  authorized_at timestamp(3) with time zone,
  settled_at timestamp(3) with time zone,
  failed_at timestamp(3) with time zone,
  invoice_id text,
  effective_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone not null,
  funded_at timestamp(3) with time zone not null,
  phase text not null,
  booked_at timestamp(3) with time zone,
  booked_version bigint,
  voided_at timestamp(3) with time zone,
  voided_version bigint,
  void_reason text,
  remaining numeric not null,
  consumed numeric not null,
  expired numeric not null,
  voided numeric not null,
  closed_version bigint,
  span_class smallint,
  released boolean default false not null,
  purchase_precision smallint default 0 not null,
  recognized numeric default 0 not null,
  constraint grants_amount_positive CHECK ((amount > (0)::numeric)),
  constraint grants_booked_is_credit CHECK (((phase = ANY (ARRAY['CREDIT'::text, 'EXPIRED'::text])) = (booked_at IS NOT NULL))),
  constraint grants_booked_version CHECK (((booked_at IS NULL) = (booked_version IS NULL))),
  constraint grants_closed_identity CHECK (((((remaining + consumed) + expired) + voided) =
CASE phase
    WHEN 'SCHEDULED'::text THEN (0)::numeric
    ELSE amount
END)),
  constraint grants_lives CHECK ((expires_at > effective_at)),
  constraint grants_parts_not_negative CHECK (((remaining >= (0)::numeric) AND (consumed >= (0)::numeric) AND (expired >= (0)::numeric) AND (voided >= (0)::numeric))),
  constraint grants_phase_known CHECK ((phase = ANY (ARRAY['SCHEDULED'::text, 'CREDIT'::text, 'EXPIRED'::text, 'LAPSED'::text, 'CALLED_OFF'::text]))),
  constraint grants_priority_range CHECK (((priority >= 1) AND (priority <= 1000))),
  constraint grants_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (cost_basis > '-Infinity'::numeric) AND (cost_basis < 'Infinity'::numeric) AND (purchase_amount > '-Infinity'::numeric) AND (purchase_amount < 'Infinity'::numeric) AND (remaining > '-Infinity'::numeric) AND (remaining < 'Infinity'::numeric) AND (consumed > '-Infinity'::numeric) AND (consumed < 'Infinity'::numeric) AND (expired > '-Infinity'::numeric) AND (expired < 'Infinity'::numeric) AND (voided > '-Infinity'::numeric) AND (voided < 'Infinity'::numeric) AND (recorded_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (recorded_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (effective_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (effective_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (issued_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (issued_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (authorized_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (authorized_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (settled_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (settled_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (failed_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (failed_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (voided_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (voided_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND ((expires_at = 'infinity'::timestamp with time zone) OR ((expires_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '10000-01-01 00:00:00+00'::timestamp with time zone))) AND ((NOT isfinite(funded_at)) OR ((funded_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (funded_at < '10000-01-01 00:00:00+00'::timestamp with time zone))))),
  constraint grants_recognized_readable CHECK (((recognized > '-Infinity'::numeric) AND (recognized < 'Infinity'::numeric))),
  constraint grants_recognized_within CHECK ((((recognized >= (0)::numeric) AND (recognized <= consumed)) AND (recognized <> 'NaN'::numeric))),
  constraint grants_together CHECK ((((tax_behavior IS NULL) OR (tax_code IS NOT NULL)) AND ((voided_at IS NOT NULL) OR ((void_reason IS NULL) AND (NOT released))))),
  constraint grants_voided_version CHECK (((voided_at IS NULL) = (voided_version IS NULL))),
  constraint grants_book_fk FOREIGN KEY (shard, book_id) REFERENCES books(shard, id),
  constraint grants_pk PRIMARY KEY (shard, book_id, id)
) with (fillfactor=80);
CREATE INDEX grants_listed ON grants USING btree (shard, book_id, id) INCLUDE (version, recorded_at, currency, effective_at, expires_at, funded_at, voided_at, voided_version);
CREATE INDEX grants_open ON grants USING btree (shard, book_id) WHERE (closed_version IS NULL);
CREATE INDEX grants_reclaimable ON grants USING btree (shard, book_id, expires_at) WHERE ((expired > (0)::numeric) AND (phase = 'EXPIRED'::text));
CREATE INDEX grants_span ON grants USING btree (shard, book_id, span_class, closed_version) WHERE (closed_version IS NOT NULL);

create table idempotency (
  shard smallint not null,
  book_id bigint not null,
  key text not null,
  method text not null,
  request bytea not null,
  answer bytea not null,
  hash bytea,
  recorded_at timestamp(3) with time zone not null,
  constraint idempotency_readable CHECK (((recorded_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (recorded_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint idempotency_pk PRIMARY KEY (shard, book_id, key)
);
revoke delete, truncate, update on idempotency from current_user;

create table late_summed (
  shard smallint not null,
  book_id bigint not null,
  below_version bigint not null,
  constraint late_summed_pk PRIMARY KEY (shard, book_id)
) with (fillfactor=80);

create table late_sums (
  shard smallint not null,
  book_id bigint not null,
  kind text not null,
  level smallint not null,
  block bigint not null,
  series uuid not null,
  first_at timestamp(3) with time zone not null,
  until_at timestamp(3) with time zone not null,
  instants timestamp(3) with time zone[] not null,
  totals numeric[] not null,
  constraint late_sums_forward CHECK ((first_at < until_at)),
  constraint late_sums_kind_known CHECK ((kind = ANY (ARRAY['ACCOUNT'::text, 'GRANT'::text]))),
  constraint late_sums_readable CHECK (((first_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (first_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND ((until_at = 'infinity'::timestamp with time zone) OR ((until_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (until_at < '10000-01-01 00:00:00+00'::timestamp with time zone))))),
  constraint late_sums_total_per_instant CHECK ((cardinality(instants) = cardinality(totals))),
  constraint late_sums_pk PRIMARY KEY (shard, book_id, kind, level, block, first_at, until_at, series)
);

create table reductions (
  shard smallint not null,
  book_id bigint not null,
  charge_id uuid not null,
  version bigint not null,
  position integer not null,
  collection integer not null,
  amount numeric not null,
  booked_at timestamp(3) with time zone not null,
  constraint reductions_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (booked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint reductions_pk PRIMARY KEY (shard, book_id, charge_id, version, "position")
);
revoke delete, truncate, update on reductions from current_user;

create table scheduled_grants (
  shard smallint not null,
  book_id bigint not null,
  grant_id uuid not null,
  known_from bigint not null,
  known_until bigint,
  namespace text not null,
  customer_id text not null,
  currency text not null,
  feature_keys text[] not null,
  amount numeric not null,
  pending_from timestamp(3) with time zone not null,
  pending_until timestamp(3) with time zone not null,
  effective_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone not null,
  span_class smallint not null,
  constraint scheduled_grants_known_span CHECK ((known_until > known_from)),
  constraint scheduled_grants_pending_span CHECK ((pending_until > pending_from)),
  constraint scheduled_grants_readable CHECK (((amount > '-Infinity'::numeric) AND (amount < 'Infinity'::numeric) AND (pending_from >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (pending_from < '10000-01-01 00:00:00+00'::timestamp with time zone) AND ((pending_until = 'infinity'::timestamp with time zone) OR ((pending_until >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (pending_until < '10000-01-01 00:00:00+00'::timestamp with time zone))) AND ((effective_at = 'infinity'::timestamp with time zone) OR ((effective_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (effective_at < '10000-01-01 00:00:00+00'::timestamp with time zone))) AND ((expires_at = 'infinity'::timestamp with time zone) OR ((expires_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '10000-01-01 00:00:00+00'::timestamp with time zone))))),
  constraint scheduled_grants_book_fk FOREIGN KEY (shard, book_id) REFERENCES books(shard, id),
  constraint scheduled_grants_pk PRIMARY KEY (shard, book_id, grant_id, known_from)
);
CREATE INDEX scheduled_grants_customer_window ON scheduled_grants USING btree (shard, book_id, effective_at, grant_id) WHERE (known_until IS NULL);
CREATE INDEX scheduled_grants_known_before ON scheduled_grants USING btree (shard, book_id, known_until) WHERE (known_until IS NOT NULL);
CREATE INDEX scheduled_grants_known_now ON scheduled_grants USING btree (shard, book_id, pending_until) WHERE (known_until IS NULL);
CREATE UNIQUE INDEX scheduled_grants_known_once ON scheduled_grants USING btree (shard, book_id, grant_id) WHERE (known_until IS NULL);
CREATE INDEX scheduled_grants_namespace_window ON scheduled_grants USING btree (namespace, effective_at, grant_id) WHERE (known_until IS NULL);
CREATE INDEX scheduled_grants_span ON scheduled_grants USING btree (shard, book_id, span_class, pending_until);

create table splits_kept (
  shard smallint not null,
  book_id bigint not null,
  through_version bigint not null,
  constraint splits_kept_pk PRIMARY KEY (shard, book_id)
) with (fillfactor=80);

create table sub_accounts (
  shard smallint not null,
  book_id bigint not null,
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
  constraint sub_accounts_readable CHECK (((cost_basis > '-Infinity'::numeric) AND (cost_basis < 'Infinity'::numeric))),
  constraint sub_accounts_stage_of_receivable CHECK (((stage IS NOT NULL) = (type = 'CUSTOMER_RECEIVABLE'::text))),
  constraint sub_accounts_together CHECK (((tax_behavior IS NULL) OR (tax_code IS NOT NULL))),
  constraint sub_accounts_type_known CHECK ((type = ANY (ARRAY['CUSTOMER_FBO'::text, 'CUSTOMER_RECEIVABLE'::text, 'CUSTOMER_ACCRUED'::text, 'WASH'::text, 'EARNINGS'::text, 'BROKERAGE'::text, 'BREAKAGE'::text]))),
  constraint sub_accounts_book_fk FOREIGN KEY (shard, book_id) REFERENCES books(shard, id),
  constraint sub_accounts_pk PRIMARY KEY (shard, book_id, ordinal),
  constraint sub_accounts_route_key UNIQUE NULLS NOT DISTINCT (shard, book_id, type, currency, feature_keys, priority, cost_basis, stage, tax_code, tax_behavior)
);

create table transactions (
  shard smallint not null,
  book_id bigint not null,
  version bigint not null,
  ordinal integer not null,
  id uuid,
  kind text not null,
  booked_at timestamp(3) with time zone not null,
  recorded_at timestamp(3) with time zone not null,
  grant_id uuid,
  charge_id uuid,
  reason text,
  hash bytea not null,
  first_position integer not null,
  sub_accounts integer[] not null,
  constraint transactions_booked_in_the_past CHECK ((booked_at <= recorded_at)),
  constraint transactions_readable CHECK (((booked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (booked_at < '10000-01-01 00:00:00+00'::timestamp with time zone) AND (recorded_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (recorded_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint transactions_pk PRIMARY KEY (shard, book_id, version, ordinal)
);
CREATE INDEX transactions_booked_at ON transactions USING btree (shard, book_id, booked_at, version, ordinal);
CREATE UNIQUE INDEX transactions_id ON transactions USING btree (id, shard) WHERE (id IS NOT NULL);
revoke delete, truncate, update on transactions from current_user;

create table writes (
  shard smallint not null,
  format smallint default 1 not null,
  book_id bigint not null,
  version bigint not null,
  recorded_at timestamp(3) with time zone not null,
  feed_position bigint default 0 not null,
  method text not null,
  salt bytea,
  hash bytea,
  idempotency_key text,
  request bytea,
  answer bytea,
  caller text,
  actor text,
  request_uuid uuid,
  request_text text,
  constraint writes_actor_together CHECK ((((format > 1) OR (caller IS NULL)) AND ((caller IS NOT NULL) OR ((actor IS NULL) AND (request_uuid IS NULL) AND (request_text IS NULL))) AND ((request_uuid IS NULL) OR (request_text IS NULL)))),
  constraint writes_hashed CHECK ((((format = 1) = (salt IS NULL)) AND ((format = 1) = (hash IS NULL)))),
  constraint writes_readable CHECK (((recorded_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (recorded_at < '10000-01-01 00:00:00+00'::timestamp with time zone))),
  constraint writes_together CHECK ((((idempotency_key IS NOT NULL) OR ((request IS NULL) AND (answer IS NULL))) AND ((request IS NULL) OR (answer IS NOT NULL)) AND ((request IS NOT NULL) OR (answer IS NULL) OR (octet_length(answer) = 32)))),
  constraint writes_pk PRIMARY KEY (shard, book_id, version)
);
CREATE INDEX writes_feed ON writes USING btree (shard, feed_position, book_id, version);
CREATE UNIQUE INDEX writes_key ON writes USING btree (shard, book_id, idempotency_key) WHERE (request IS NOT NULL);
CREATE INDEX writes_recorded_at ON writes USING btree (shard, book_id, recorded_at, version);
revoke delete, truncate, update on writes from current_user;
