import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  TaxBehavior,
  type ActorSchema,
  type Tax as TaxMessage,
  type TaxSchema,
} from '#gen/credit/v1/common_pb.ts';
import { requestOf, type Actor } from '../actor.ts';
import type { Instant } from '../instant.ts';
import type { Tax } from '../ledger/account.ts';

/** Instants, enums, taxes and namespaces between the wire's forms and ours, the same for every RPC. */

/** A finer timestamp is cut to the millisecond; an absent one is null. */
export const instantOf = (timestamp: Timestamp | undefined): Instant | null =>
  timestamp === undefined
    ? null
    : Number(timestamp.seconds) * 1_000 + Math.floor(timestamp.nanos / 1_000_000);

/** Absent on the wire: null, and what is not an instant in time (NEVER, ALWAYS). */
export const timestampOf = (instant: Instant | null): Timestamp | undefined =>
  instant === null || !Number.isFinite(instant) ? undefined : timestampIn(instant);

function timestampIn(instant: Instant): Timestamp {
  const seconds = Math.floor(instant / 1_000);
  const nanos = (instant - seconds * 1_000) * 1_000_000;
  return { $typeName: 'google.protobuf.Timestamp', seconds: BigInt(seconds), nanos };
}

/** The names of an enum's values, but UNSPECIFIED. */
type NameIn<Values> = Exclude<keyof Values & string, 'UNSPECIFIED'>;

/** An enum's value for a name of ours. */
export const enumOf = <V, N extends NameIn<V>>(values: V, name: N): V[N] => values[name];

/** Our name for an enum's value; null for UNSPECIFIED, which validation lets pass only where it has a meaning. */
export const nameOf = <V extends object>(values: V, value: number): NameIn<V> | null =>
  value === 0 ? null : ((Object.keys(values) as NameIn<V>[]).find((name) => values[name] === value) ?? null);

/** Our names for some values of an enum, none of them UNSPECIFIED. */
export const namesOf = <V extends object>(values: V, some: readonly number[]): readonly NameIn<V>[] =>
  some.map((value) => nameOf(values, value)!);

const DEFAULT_NAMESPACE = 'default';

/** The namespace a request means. */
export const namespaceOf = ({ namespace }: { readonly namespace: string }): string =>
  namespace === '' ? DEFAULT_NAMESPACE : namespace;

/** A text that is empty on the wire when there is none. */
export const textOf = (text: string): string | null => (text === '' ? null : text);

export const taxOf = (tax: TaxMessage | undefined): Tax | null =>
  tax === undefined ? null : { code: tax.code, behavior: nameOf(TaxBehavior, tax.behavior) };

export const encodeTax = (tax: Tax | null): MessageInitShape<typeof TaxSchema> | undefined =>
  tax === null
    ? undefined
    : { code: tax.code, behavior: tax.behavior === null ? 0 : enumOf(TaxBehavior, tax.behavior) };

export const encodeActor = (by: Actor | null): MessageInitShape<typeof ActorSchema> | undefined =>
  by === null ? undefined : { caller: by.caller, actor: by.actor ?? '', requestId: requestOf(by) ?? '' };

/** What every answer about a moment tells of it. */
export const momentFacts = (of: {
  readonly version: number;
  readonly asOf: Instant;
  readonly knownAt: Instant;
}) => ({
  version: BigInt(of.version),
  asOf: timestampOf(of.asOf),
  knownAt: timestampOf(of.knownAt),
});
