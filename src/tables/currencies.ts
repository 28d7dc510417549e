import type { DatabaseClock } from '../db/clock.ts';
import { build, built, param } from '../db/builder.ts';
import { codec, type Row, type Shape } from '../db/codec.ts';
import { as, flat, inKey, optional, smallint, text, timestamptz } from '../db/columns.ts';
import { statement, type Database } from '../db/database.ts';
import type { Instant } from '../instant.ts';
import { refuse } from '../refusal.ts';
import { isoDecimals } from './iso-4217.ts';

/**
 * Which currencies there are: ISO 4217 codes with their minor units, and custom credit units a namespace registered.
 * The only reader and writer of `currencies`. A unit never changes once registered, so it is remembered here.
 */
export type Currencies = {
  /** How many decimals amounts of it may have; UNKNOWN_CURRENCY (naming `field`) where there is no such currency. */
  precisionOf(namespace: string, code: string, field: string): Promise<number>;
  /** CURRENCY_EXISTS for a code there is; a repeat of the key is answered like the first call. */
  create(namespace: string, unit: NewCurrency): Promise<Created>;
  /** A namespace's own units in order of code, after `after`. */
  list(namespace: string, after: string, limit: number): Promise<readonly CustomCurrency[]>;
};

export type CustomCurrency = {
  readonly code: string;
  readonly name: string;
  readonly precision: number;
  readonly recordedAt: Instant;
};

export type NewCurrency = Omit<CustomCurrency, 'recordedAt'> & { readonly idempotencyKey: string | null };

/** `replayed`: it was registered by an earlier call with this key. */
export type Created = { readonly currency: CustomCurrency; readonly replayed: boolean };

const UNIT: Shape<CustomCurrency> = {
  code: inKey(text),
  name: text,
  precision: smallint,
  recordedAt: as('created_at', timestamptz),
};
const CURRENCY = codec(UNIT);
export const CURRENCIES = codec<NewCurrency & CustomCurrency & { readonly namespace: string }>({
  namespace: inKey(text),
  ...UNIT,
  idempotencyKey: optional(text),
});

const COLUMNS = flat(CURRENCY.columns).map(({ name }) => name);
const ofNamespace = () =>
  build('currencies')
    .select(COLUMNS)
    .where({ namespace: param(1) });
const BY_CODE = built<Row<CustomCurrency>>('currency_by_code', ofNamespace().where({ code: param(2) }));
const BY_KEY = built<Row<CustomCurrency>>(
  'currency_by_key',
  ofNamespace().where({ idempotency_key: param(2) }),
);
// Knex takes no parameter for a limit.
const LIST = statement<Row<CustomCurrency>>(
  'list_currencies',
  `select ${CURRENCY.select('c')} from currencies c where namespace = $1 and code > $2 order by code limit $3`,
);
const INSERT = built<Row<CustomCurrency>>(
  'insert_currency',
  build('currencies')
    .insert({
      namespace: param(1),
      code: param(2),
      name: param(3),
      precision: param(4),
      idempotency_key: param(5),
      created_at: build.raw('clock_timestamp()'),
    })
    .onConflict()
    .ignore()
    .returning(COLUMNS),
);

/** The most units remembered; beyond it they are looked up again. */
const REMEMBERED = 10_000;

/** Where units are registered, and where they are looked up: of the primary, where one is known as soon as it is registered. */
type Places = { readonly writes: Pick<Database, 'run'>; readonly lookups: Pick<Database, 'run'> };

export function createCurrencies({ writes, lookups }: Places, clock: DatabaseClock): Currencies {
  const known = new Map<string, number>();
  const read = (row: Row<CustomCurrency>): CustomCurrency => {
    const currency = CURRENCY.read(row);
    return { ...currency, recordedAt: clock.reads(currency.recordedAt) };
  };
  const unit = async (namespace: string, code: string) =>
    (await lookups.run(BY_CODE, [namespace, code])).map(read)[0];

  return {
    async precisionOf(namespace, code, field) {
      const iso = isoDecimals(code);
      const key = `${namespace}/${code}`;
      const precision = iso ?? known.get(key) ?? (await unit(namespace, code))?.precision;
      if (precision === undefined) return unknown(code, field);
      if (iso === undefined && known.size < REMEMBERED) known.set(key, precision);
      return precision;
    },

    async create(namespace, { code, name, precision, idempotencyKey: key }) {
      if (isoDecimals(code) !== undefined) return exists(code, 'is an ISO 4217 currency', 'code');
      const [made] = await writes.run(INSERT, [namespace, code, name, precision, key]);
      if (made !== undefined) return { currency: read(made), replayed: false };
      const [first] = key === null ? [] : (await lookups.run(BY_KEY, [namespace, key])).map(read);
      if (first === undefined) {
        const there = (await unit(namespace, code))!;
        return exists(code, 'is registered in this namespace', differing(there, { code, name, precision }));
      }
      const field = differing(first, { code, name, precision });
      return field === null ? { currency: first, replayed: true } : reused(key!, field);
    },

    list: async (namespace, after, limit) => (await lookups.run(LIST, [namespace, after, limit])).map(read),
  };
}

const unknown = (code: string, field: string): never =>
  refuse(
    'UNKNOWN_CURRENCY',
    `${field}: ${code} is neither an ISO 4217 currency nor a unit registered with CreateCurrency in this namespace`,
    { field, rule: 'currency.known' },
  );

const exists = (code: string, why: string, field: string | null): never =>
  refuse('CURRENCY_EXISTS', `currency ${code} ${why}${field === null ? '' : ` with another ${field}`}`, {
    key: code,
    field: field ?? '',
  });

const differing = (
  a: Omit<CustomCurrency, 'recordedAt'>,
  b: Omit<CustomCurrency, 'recordedAt'>,
): 'code' | 'name' | 'precision' | null =>
  (['code', 'name', 'precision'] as const).find((field) => a[field] !== b[field]) ?? null;

const reused = (key: string, field: string): never =>
  refuse(
    'IDEMPOTENCY_KEY_REUSED',
    `idempotency_key "${key}" was used for another request: ${field} differs`,
    {
      key,
      field,
    },
  );
