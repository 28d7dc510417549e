import type { ErrorReasonName, FieldReason, MetadataOf } from './reasons.ts';

/** One wrong field: its path in proto snake_case, the rule's id and a sentence for people. */
export type FieldViolation = { readonly field: string; readonly rule: string; readonly message: string };

/** A typed no: data that the wire turns into a gRPC status, and that changes nothing. */
export type Refusal<R extends ErrorReasonName = ErrorReasonName> = R extends ErrorReasonName
  ? {
      readonly reason: R;
      readonly message: string;
      readonly metadata: MetadataOf<R>;
      readonly violations?: readonly FieldViolation[];
    }
  : never;

/** Carries a refusal up the stack; the only error whose text may reach a caller. */
export class RefusalError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = 'RefusalError';
    this.refusal = refusal;
  }
}

/** Throws the refusal, with the metadata its reason has in reasons.ts; `never` so that callers read like a guard clause. */
export function refuse<R extends ErrorReasonName>(
  reason: R,
  message: string,
  ...[metadata]: MetadataOf<R> extends Readonly<Record<string, never>> ? [] : [metadata: MetadataOf<R>]
): never {
  throw new RefusalError({ reason, message, metadata: metadata ?? {} } as unknown as Refusal);
}

/** A violation as a sentence. One of the whole request has no field. */
export const sentenceOf = ({ field, message }: FieldViolation): string =>
  field === '' ? message : `${field}: ${message}`;

/** Refuses with every violation (there is one) at once; the first names the field and rule in the metadata. */
export function refuseFields(
  violations: readonly FieldViolation[],
  reason: FieldReason = 'INVALID_FIELD',
): never {
  throw fieldsRefused(violations, reason, violations.map(sentenceOf).join('; '));
}

/** The same, to be thrown; `named` is the violation that the metadata tells. */
export function fieldsRefused(
  violations: readonly FieldViolation[],
  reason: FieldReason,
  message: string,
  named: FieldViolation | undefined = violations[0],
): RefusalError {
  const { field, rule } = named ?? { field: '', rule: '' };
  return new RefusalError({ reason, message, metadata: { field, rule }, violations });
}

export const isRefusal = (error: unknown): error is RefusalError => error instanceof RefusalError;
