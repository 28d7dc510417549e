import { uuidOf } from '../id.ts';
import type { Instant } from '../instant.ts';
import { optional, timestamp } from './types.ts';

/** What stands in a parameter of a type, and how it travels. */
const TYPES = {
  smallint: (value: number | null) => value,
  integer: (value: number | null) => value,
  bigint: (value: number | null) => value,
  boolean: (value: boolean | null) => value,
  text: (value: string | null) => value,
  timestamptz: optional,
  /** As Postgres prints it, or an id on the wire. */
  uuid: (value: string | null) => (value === null ? null : uuidOf(value)),
  'smallint[]': (value: readonly number[]) => value,
  'integer[]': (value: readonly number[] | null) => value,
  'bigint[]': (value: readonly number[]) => value,
  'text[]': (value: readonly string[] | null) => value,
  'timestamptz[]': (value: readonly Instant[]) => value.map(timestamp),
  'uuid[]': (value: readonly string[]) => value.map(uuidOf),
} as const;

type Types = Readonly<Record<string, keyof typeof TYPES>>;
type ValueOf<Type extends keyof typeof TYPES> = Parameters<(typeof TYPES)[Type]>[0];

const ORDER = Symbol('order');

/** Each parameter by its name, as a text says it: `$3::timestamptz`. */
export type NamedParameters<Of extends Types> = { readonly [Name in keyof Of]: string } & {
  readonly [ORDER]: Of;
};

/** Names the parameters of a statement, in order, so that neither its text nor who runs it counts them. */
export function parameters<const Of extends Types>(types: Of): NamedParameters<Of> {
  const texts = Object.entries(types).map(([name, type], i) => [name, `$${i + 1}::${type}`] as const);
  return { ...Object.fromEntries<string>(texts), [ORDER]: types } as NamedParameters<Of>;
}

type Values<Of extends Types> = { readonly [Name in keyof Of]: ValueOf<Of[Name]> };
type Together<Parts> = Parts extends readonly [infer One, ...infer Others] ? One & Together<Others> : unknown;

/**
 * What a statement with these parameters is run with. The parts may say more than is asked for, but each parameter is
 * given by one of them alone: what a part has besides its type is not to be taken for what another one says.
 */
export const bind = <Of extends Types, Parts extends readonly object[]>(
  named: NamedParameters<Of>,
  ...parts: Parts & (Together<Parts> extends Values<Of> ? unknown : Values<Of>)
): readonly unknown[] =>
  Object.entries(named[ORDER]).map(([name, type]) => {
    const [part, ...others] = parts.filter((one) => name in one);
    if (others.length > 0) throw new Error(`invariant: the parameter ${name} is given more than once`);
    return (TYPES[type] as (value: unknown) => unknown)((part as Readonly<Record<string, unknown>>)[name]);
  });
