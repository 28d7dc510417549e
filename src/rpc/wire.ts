import { timestampFromMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import type { Instant } from '../instant.ts';

/** Instants, enums and flags between the wire's forms and ours, the same for every RPC. */

/** A finer timestamp is cut to the millisecond; an absent one is null. */
export const instantOf = (timestamp: Timestamp | undefined): Instant | null =>
  timestamp === undefined
    ? null
    : Number(timestamp.seconds) * 1_000 + Math.floor(timestamp.nanos / 1_000_000);

/** Absent on the wire: null, and what is not an instant in time (NEVER, ALWAYS). */
export const timestampOf = (instant: Instant | null): Timestamp | undefined =>
  instant === null || !Number.isFinite(instant) ? undefined : timestampFromMs(instant);

/** An enum as it is generated: its values by their names without the prefix. */
type Values<N extends string> = { readonly [Name in N | 'UNSPECIFIED']: number };

/** An enum's value for a name of ours. */
export const enumOf = <V extends Values<N>, N extends string>(values: V, name: N): V[N] => values[name];

/** Our name for an enum's value; null for UNSPECIFIED, which validation lets pass only where it has a meaning. */
export const nameOf = <N extends string>(values: Values<N>, value: number): N | null =>
  value === 0 ? null : ((Object.keys(values) as N[]).find((name) => values[name] === value) ?? null);

/** A text that is empty on the wire when there is none. */
export const textOf = (text: string): string | null => (text === '' ? null : text);
